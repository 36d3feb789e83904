/**
 * MCP's own shapes (tool results, contents of resources, messages of prompts), checked before they leave the thread:
 * one block that is none makes a client refuse the whole answer.
 *
 * M1. What is looked at is the JSON that the tool's value has become: plain data, whatever the value was.
 * M2. Bytes, which JSON has as `{"$base64": "…"}` (binary-json.ts), are base64 text where MCP wants that.
 * M3. Members that a block or a result may have and MCP says nothing of pass; those it knows have its types.
 */
import { hasOwn, inBase64, indexOf, isArray, keys, matches, slice, toBytes } from './intrinsics/captured.ts';

type Fields = { [name: string]: unknown };

/** What is wrong, and where: `content[1].data`. */
export interface Misfit {
  readonly at: string;
  readonly why: string;
}

type Verdict = Misfit | null;
type Look = (value: unknown, at: string) => Verdict;

const misfit = (at: string, why: string): Misfit => ({ at, why });

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !isArray(value);

/** A value in a word or two. */
function nameOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  return isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

const isText: Look = (value, at) =>
  typeof value === 'string' ? null : misfit(at, `it is ${nameOf(value)}, and has to be a string`);
const isNumber: Look = (value, at) =>
  typeof value === 'number' ? null : misfit(at, `it is ${nameOf(value)}, and has to be a number`);
const isObject: Look = (value, at) =>
  isFields(value) ? null : misfit(at, `it is ${nameOf(value)}, and has to be an object`);
const isFlag: Look = (value, at) =>
  typeof value === 'boolean' ? null : misfit(at, `it is ${nameOf(value)}, and has to be true or false`);
const isList: Look = (value, at) =>
  isArray(value) ? null : misfit(at, `it is ${nameOf(value)}, and has to be an array`);

/** Looks at a member that may be missing. */
const maybe =
  (look: Look): Look =>
  (value, at) =>
    value === undefined ? null : look(value, at);

function each(list: readonly unknown[], at: string, look: Look): Verdict {
  for (let index = 0; index < list.length; index++) {
    const found = look(list[index], `${at}[${index}]`);
    if (found) return found;
  }
  return null;
}

/** Looks at the members that are named, in their order. */
function members(value: Fields, at: string, looks: Readonly<Record<string, Look>>): Verdict {
  const names = keys(looks);
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string;
    const found = (looks[name] as Look)(own(value, name), `${at}.${name}`);
    if (found) return found;
  }
  return null;
}

const own = (value: Fields, name: string): unknown => (hasOwn(value, name) ? value[name] : undefined);

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const BLANKS = ' \t\n\f\r';

/** As `atob` has it, by which clients look: padding may be missing, and blanks anywhere. */
function isBase64(text: string): boolean {
  if (inBase64(toBytes(text, 'base64')) === text) return true;
  let count = 0;
  let padding = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (indexOf(BLANKS, character) >= 0) continue;
    if (character === '=') padding++;
    else if (padding > 0 || indexOf(BASE64, character) < 0) return false;
    else count++;
  }
  if (count % 4 === 1) return false;
  return padding === 0 || (padding <= 2 && (count + padding) % 4 === 0);
}

/** Looks at bytes, and writes them as base64 where they came as such (M2). */
function bytes(holder: Fields, name: string, at: string): Verdict {
  const value = own(holder, name);
  if (isFields(value) && typeof own(value, '$base64') === 'string' && keys(value).length === 1) {
    holder[name] = value['$base64'];
    return null;
  }
  const where = `${at}.${name}`;
  if (typeof value !== 'string')
    return misfit(where, `it is ${nameOf(value)}, and has to be bytes (Uint8Array) or base64 text`);
  return isBase64(value)
    ? null
    : misfit(where, 'it is no base64 text; give the bytes themselves, or base64 without a "data:" prefix');
}

const isRole: Look = (value, at) =>
  value === 'user' || value === 'assistant' ? null : misfit(at, 'it has to be "user" or "assistant"');
const isShare: Look = (value, at) =>
  typeof value === 'number' && value >= 0 && value <= 1
    ? null
    : misfit(at, 'it has to be a number from 0 to 1');

/** A day that there is, and a time of RFC 3339: clients look at both. */
const TIME =
  /^(?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|(?:[02468][048]|[13579][26])00)-02-29|\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8])))T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const isTime: Look = (value, at) =>
  typeof value === 'string' && matches(TIME, value)
    ? null
    : misfit(at, 'it has to be a time such as 2026-01-31T12:00:00Z');

const isAnnotations: Look = (value, at) =>
  isObject(value, at) ??
  members(value as Fields, at, {
    audience: maybe((list, where) => isList(list, where) ?? each(list as unknown[], where, isRole)),
    priority: maybe(isShare),
    lastModified: maybe(isTime),
  });

const OF_ANY: Readonly<Record<string, Look>> = { annotations: maybe(isAnnotations), _meta: maybe(isObject) };

const isTheme: Look = (value, at) =>
  value === 'light' || value === 'dark' ? null : misfit(at, 'it has to be "light" or "dark"');

const isIcon: Look = (value, at) =>
  isObject(value, at) ??
  members(value as Fields, at, {
    src: isText,
    mimeType: maybe(isText),
    sizes: maybe((list, where) => isList(list, where) ?? each(list as unknown[], where, isText)),
    theme: maybe(isTheme),
  });

const isIcons: Look = (list, at) => isList(list, at) ?? each(list as unknown[], at, isIcon);

/** Text or bytes at a URI: what a resource consists of. */
const isContents: Look = (value, at) => {
  const found =
    isObject(value, at) ??
    members(value as Fields, at, { uri: isText, mimeType: maybe(isText), _meta: maybe(isObject) });
  if (found) return found;
  const contents = value as Fields;
  if (own(contents, 'blob') !== undefined) return bytes(contents, 'blob', at);
  if (own(contents, 'text') === undefined)
    return misfit(at, 'it has neither "text" (a string) nor "blob" (bytes or base64 text)');
  return isText(own(contents, 'text'), `${at}.text`);
};

const ofMedia = (block: Fields, at: string): Verdict =>
  bytes(block, 'data', at) ?? isText(own(block, 'mimeType'), `${at}.mimeType`);

/** What a list of resources says of one, and a link to it. */
const LINK: Readonly<Record<string, Look>> = {
  uri: isText,
  name: isText,
  title: maybe(isText),
  description: maybe(isText),
  mimeType: maybe(isText),
  size: maybe(isNumber),
  icons: maybe(isIcons),
};

/** What there is beside the type, for each type of block. */
const BLOCKS: Readonly<Record<string, (block: Fields, at: string) => Verdict>> = {
  text: (block, at) => isText(own(block, 'text'), `${at}.text`),
  image: ofMedia,
  audio: ofMedia,
  resource: (block, at) => isContents(own(block, 'resource'), `${at}.resource`),
  resource_link: (block, at) => members(block, at, LINK),
};

const isBlock: Look = (value, at) => {
  if (!isFields(value)) return misfit(at, `it is ${nameOf(value)}, and has to be a content block`);
  const type = own(value, 'type');
  if (typeof type !== 'string' || !hasOwn(BLOCKS, type))
    return misfit(`${at}.type`, 'it has to be "text", "image", "audio", "resource" or "resource_link"');
  return BLOCKS[type]?.(value, at) ?? members(value, at, OF_ANY);
};

/** What a tool result consists of, in the order in which it is written. */
const RESULT: Readonly<Record<string, Look>> = {
  content: (value, at) => isList(value, at) ?? each(value as unknown[], at, isBlock),
  structuredContent: maybe(isObject),
  isError: maybe(isFlag),
  _meta: maybe(isObject),
};

const RESULT_NAMES = keys(RESULT);

/**
 * Looks at what `content()` made, and takes its members for `into`, in their order and no others: the frame around them
 * is the gateway's to write.
 */
export function takeResult(value: Fields, into: Fields): Verdict {
  for (let at = 0; at < RESULT_NAMES.length; at++) {
    const name = RESULT_NAMES[at] as string;
    const member = own(value, name);
    const found = (RESULT[name] as Look)(member, name);
    if (found) return found;
    if (member !== undefined) into[name] = member;
  }
  return null;
}

/** Whether an object is a complete MCP result and nothing else, and takes its members as `takeResult` does. */
export function takeWholeResult(value: Fields, into: Fields): boolean {
  const names = keys(value);
  for (let at = 0; at < names.length; at++) {
    const name = names[at] as string;
    if (name === 'resultType' ? value[name] !== 'complete' : !hasOwn(RESULT, name)) return false;
  }
  return takeResult(value, into) === null;
}

const isHints: Look = (value, at) =>
  isObject(value, at) ??
  members(value as Fields, at, {
    title: maybe(isText),
    readOnlyHint: maybe(isFlag),
    destructiveHint: maybe(isFlag),
    idempotentHint: maybe(isFlag),
    openWorldHint: maybe(isFlag),
  });

const ENTRY: Readonly<Record<string, Look>> = {
  title: maybe(isText),
  description: maybe(isText),
  mimeType: maybe(isText),
  annotations: maybe(isHints),
  icons: maybe(isIcons),
  meta: maybe(isObject),
  arguments: maybe(
    (list, at) =>
      isList(list, at) ??
      each(list as unknown[], at, (one, where) =>
        members(one as Fields, where, { description: maybe(isText), required: maybe(isFlag) }),
      ),
  ),
};

/** Looks at what lists tell of a tool, a resource or a prompt: for one member that is none, clients refuse the whole list. */
export function lookAtEntry(value: object): Verdict {
  const found = members(value as Fields, '', ENTRY);
  return found && misfit(slice(found.at, 1), found.why);
}

/**
 * Writes the bytes in the messages of a `sampling/createMessage` as base64, where MCP wants that (M2). Their client says
 * what is wrong with the rest, as long as it is new kinds of content that a gateway need not know.
 */
export function writeSampledBytes(params: Fields): void {
  const messages = own(params, 'messages');
  if (!isArray(messages)) return;
  each(messages, 'messages', (message, at) => {
    const content = isFields(message) ? own(message, 'content') : undefined;
    return each(isArray(content) ? content : [content], at, writeBlockBytes);
  });
}

const writeBlockBytes: Look = (block, at) => {
  if (!isFields(block)) return null;
  bytes(block, 'data', at);
  const [resource, inner] = [own(block, 'resource'), own(block, 'content')];
  if (isFields(resource)) bytes(resource, 'blob', at);
  return isArray(inner) ? each(inner, at, writeBlockBytes) : null; // of a tool_result
};

/** Looks at `{contents: […]}`, or `{resources: […]}`: what a resource gave. */
export function lookAtResource(value: Fields): Verdict {
  const contents = own(value, 'contents');
  if (isArray(contents)) return each(contents, 'contents', isContents);
  const isListed: Look = (one, at) =>
    isObject(one, at) ?? members(one as Fields, at, LINK) ?? members(one as Fields, at, OF_ANY);
  return each(own(value, 'resources') as unknown[], 'resources', isListed);
}

/** Looks at `{messages: […], description?}`: what a prompt gave. */
export function lookAtPrompt(value: Fields): Verdict {
  const isMessage: Look = (one, at) =>
    isObject(one, at) ??
    isRole(own(one as Fields, 'role'), `${at}.role`) ??
    isBlock(own(one as Fields, 'content'), `${at}.content`);
  return each(own(value, 'messages') as unknown[], 'messages', isMessage);
}

/** Looks at `{values: […], …}`: what a completion gave. */
export function lookAtCompletion(value: Fields): Verdict {
  return each(own(value, 'values') as unknown[], 'values', isText);
}
