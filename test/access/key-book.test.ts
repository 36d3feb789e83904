/** Files of keys: what they may hold, and what becomes of a change. */
import { createHash } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { KeyBook, type KeyChange, type KeySources, keyIdOf } from '../../lib/access/key-book.ts';
import { KeyFileError } from '../../lib/access/key-files.ts';
import { eventually } from '../support/eventually.ts';

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');

describe('KeyBook', () => {
  let root: string;
  let told: { level: string; message: string; fields: Readonly<Record<string, unknown>> }[];
  const books: KeyBook[] = [];

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'keys-'));
    told = [];
  });
  afterEach(() => {
    for (const book of books.splice(0)) book.close();
    rmSync(root, { recursive: true, force: true });
  });

  const file = (name: string, content: unknown): string => {
    const path = join(root, name);
    writeFileSync(`${path}.next`, typeof content === 'string' ? content : JSON.stringify(content));
    renameSync(`${path}.next`, path);
    return path;
  };
  const opened = (sources: KeySources): KeyBook => {
    const book = new KeyBook(sources);
    books.push(book);
    book.open((level, message, fields = {}) => told.push({ level, message, fields }));
    return book;
  };
  const named = (...keys: unknown[]) => ({ keys });

  describe('with API_KEY_FILE', () => {
    it('takes one key a line, or several separated by commas', () => {
      const book = opened({ apiKeyFile: file('key', '\uFEFFfirst\r\n\n second , third\nfirst\n') });
      for (const key of ['first', 'second', 'third']) expect(book.keyIdFor(key)).to.equal(keyIdOf(key));
      for (const key of ['', ' second', 'first\n', 'fourth']) expect(book.keyIdFor(key)).to.equal(undefined);
      expect(book.secrets).to.include.members(['first', 'second', 'third']);
    });

    const wrong: [string, string, RegExp][] = [
      ['nothing', ' \n\n', /has no key/],
      ['an empty entry', 'tell-nobody,,b', /no key; expected keys of visible ASCII .*none of them empty/],
      ['a comma at the end', 'tell-nobody,', /none of them empty/],
      ['a key with a space', 'tell nobody', /visible ASCII/],
      [
        'a short key where that is refused',
        'long-enough-for-all,tell-nobody',
        /a key of 11 characters .* 16/,
      ],
    ];
    for (const [what, text, message] of wrong) {
      it(`refuses ${what}, and tells no key`, () => {
        const apiKeyFile = file('key', text);
        expect(() => opened({ apiKeyFile, shortestKey: 16 }))
          .to.throw(KeyFileError, message)
          .with.property('message')
          .that.includes(`API_KEY_FILE, ${apiKeyFile},`)
          .and.not.includes('tell');
      });
    }

    it('refuses a file that is not there', () => {
      expect(() => opened({ apiKeyFile: join(root, 'nowhere') })).to.throw(
        KeyFileError,
        'cannot be read (ENOENT)',
      );
    });
  });

  describe('with KEYS_FILE', () => {
    it('knows keys by their digests, and what each may do', () => {
      const keysFile = file(
        'keys.json',
        named(
          { name: 'all', sha256: sha256('a') },
          { name: 'some', sha256: sha256('b'), tools: ['x*'], rate: 3 },
          { name: 'watcher@example.com', sha256: sha256('c'), tools: [], stats: true },
        ),
      );
      const book = opened({ keysFile, rateLimit: 7 });
      expect(book.keyIdFor('a')).to.equal('all');
      expect(book.keyIdFor(sha256('a')), 'the digest is no key').to.equal(undefined);
      expect(book.rulesOf('all')).to.deep.equal({ tools: undefined, rate: 7, seesStats: true });
      expect(book.rulesOf('some')).to.deep.equal({ tools: ['x*'], rate: 3, seesStats: false });
      expect(book.rulesOf('watcher@example.com')).to.deep.include({ tools: [], seesStats: true });
      expect(book.rulesOf('anonymous')).to.deep.include({ rate: 7 });
      expect(book.rulesOf('sub-of-a-token')).to.deep.include({ rate: 7 });
      for (const keyId of ['local', 'stdio', '__proto__']) expect(book.rulesOf(keyId)).to.equal(undefined);
    });

    it('hides a key from the log once it has been used, and no wrong one', () => {
      const book = opened({ keysFile: file('keys', named({ name: 'a', sha256: sha256('key of a') })) });
      const before = book.secrets;
      book.keyIdFor('a wrong key');
      expect(book.secrets).to.equal(before);
      book.keyIdFor('key of a');
      expect(book.secrets).to.deep.equal(['key of a']);
      const after = book.secrets;
      expect(book.keyIdFor('key of a')).to.equal('a');
      expect(book.secrets).to.equal(after);
    });

    it('hides so many used keys at most, since each line of the log is searched for all', () => {
      const keys = Array.from({ length: 300 }, (_, at) => ({ name: `k${at}`, sha256: sha256(`key ${at}`) }));
      const book = opened({ keysFile: file('keys', named(...keys)) });
      for (const at of keys.keys()) expect(book.keyIdFor(`key ${at}`)).to.equal(`k${at}`);
      expect(book.secrets).to.have.length(256);
    });

    it('knows the keys of API_KEY beside it, but not one key twice', () => {
      const keysFile = file('keys.json', named({ name: 'one', sha256: sha256('a') }));
      const book = opened({ keysFile, apiKeys: ['other'] });
      expect([book.keyIdFor('a'), book.keyIdFor('other')]).to.deep.equal(['one', keyIdOf('other')]);
      expect(() => opened({ keysFile, apiKeys: ['a'] })).to.throw(
        KeyFileError,
        'the key of "one", which API_KEY has',
      );
    });

    const good = { name: 'one', sha256: sha256('a') };
    const wrong: [string, unknown, string][] = [
      ['no JSON', 'tell-nobody {', 'is no JSON'],
      ['no object', [], 'is not {"keys"'],
      ['more beside the list', { ...named(good), more: 1 }, 'nothing beside it'],
      ['no key at all', named(), 'has no key'],
      ['an entry that is none', named(good, 'x'), 'keys[1] is no object'],
      [
        'a member that is not known',
        named({ ...good, tool: ['x'] }),
        'a member "tool"; expected name, sha256, tools',
      ],
      ['no name', named({ sha256: good.sha256 }), 'keys[0].name is missing'],
      [
        'a name with a control character',
        named({ ...good, name: 'a\u001bb' }),
        '.name is missing or no name',
      ],
      ['a reserved name', named({ ...good, name: 'local' }), 'is "local", which is reserved'],
      ['a name like that of a token', named({ ...good, name: 'sub-1' }), 'reserved'],
      [
        'an upper-case digest',
        named({ ...good, sha256: sha256('a').toUpperCase() }),
        '.sha256 (one) is no digest',
      ],
      [
        'the key itself for its digest',
        named({ ...good, sha256: 'tell-nobody' }),
        '.sha256 (one) is no digest',
      ],
      ['tools that are no list', named({ ...good, tools: 'x' }), '.tools (one) is no list'],
      ['an empty pattern', named({ ...good, tools: [''] }), '.tools (one) is no list'],
      ['a rate in words', named({ ...good, rate: 'ten' }), '.rate (one) is "ten"'],
      ['a negative rate', named({ ...good, rate: -1 }), '.rate (one) is -1'],
      ['a rate of null', named({ ...good, rate: null }), '.rate (one) is null'],
      ['stats in words', named({ ...good, stats: 'yes' }), '.stats (one)'],
      ['a name twice', named(good, { ...good, sha256: sha256('b') }), 'two keys named "one"'],
      ['a key twice', named(good, { ...good, name: 'two' }), 'the key of "two" twice'],
    ];
    for (const [what, content, message] of wrong) {
      it(`refuses ${what}`, () => {
        const keysFile = file('keys.json', content);
        expect(() => opened({ keysFile }))
          .to.throw(KeyFileError, message)
          .with.property('message')
          .that.includes(`KEYS_FILE, ${keysFile},`)
          .and.not.includes('tell-nobody');
      });
    }
  });

  describe('when a file changes', () => {
    const first = [
      { name: 'stays', sha256: sha256('a'), tools: ['x'] },
      { name: 'goes', sha256: sha256('b') },
      { name: 'turns', sha256: sha256('c') },
      { name: 'narrows', sha256: sha256('d') },
    ];

    it('takes the new keys, and says who is gone and who may use something else', async () => {
      const book = opened({ keysFile: file('keys.json', { keys: first }) });
      const patterns = book.rulesOf('stays')?.tools;
      const changes: KeyChange[] = [];
      book.onChange((change) => changes.push(change));
      const [stays, , turns, narrows] = first;
      file('keys.json', named({ ...stays }, { ...turns, sha256: sha256('C') }, { ...narrows, tools: ['x'] }));
      await eventually(() => changes.length === 1);
      expect([...(changes[0]?.revoked ?? [])]).to.deep.equal(['goes', 'turns']);
      expect([...(changes[0]?.changed ?? [])]).to.deep.equal(['narrows']);
      expect([book.isRevoked('goes'), book.isRevoked('turns'), book.isRevoked('stays')]).to.deep.equal([
        true,
        false,
        false,
      ]);
      expect(['a', 'b', 'c', 'C'].map((key) => book.keyIdFor(key))).to.deep.equal([
        'stays',
        undefined,
        undefined,
        'turns',
      ]);
      expect(book.rulesOf('stays')?.tools, 'views of the catalog hang on it').to.equal(patterns);
      expect(book.rulesOf('narrows')?.tools, 'the same patterns').to.equal(patterns);
      expect(told.map(({ level }) => level)).to.deep.equal(['info']);
      file('keys.json', { keys: first });
      await eventually(() => changes.length === 2);
      expect(book.isRevoked('goes')).to.equal(false);
    });

    it('keeps the keys before where the new file is broken or gone, and says so', async () => {
      const keysFile = file('keys.json', { keys: first });
      const apiKeyFile = file('key', 'plain');
      const book = opened({ keysFile, apiKeyFile });
      file('keys.json', '{"keys": [');
      await eventually(() => told.length === 1);
      file('keys.json', { keys: first });
      await eventually(() => told.length === 2);
      rmSync(apiKeyFile);
      await eventually(() => told.length === 3);
      expect(told.map(({ level }) => level)).to.deep.equal(['error', 'info', 'error']);
      expect(told[0]?.message).to.include(`KEYS_FILE, ${keysFile}, is no JSON`);
      expect(told[2]?.message).to.include(`API_KEY_FILE, ${apiKeyFile}, cannot be read (ENOENT)`);
      expect([book.keyIdFor('plain'), book.keyIdFor('b')]).to.deep.equal([keyIdOf('plain'), 'goes']);
    });

    it('revokes everybody where the new list is empty', async () => {
      const book = opened({ keysFile: file('keys.json', { keys: first }) });
      file('keys.json', named());
      await eventually(() => book.isRevoked('stays'));
      expect(book.keyIdFor('a')).to.equal(undefined);
    });

    it('hides the keys that were in the log too', async () => {
      const book = opened({ apiKeyFile: file('key', 'the-old-one') });
      file('key', 'the-new-one');
      await eventually(() => book.keyIdFor('the-new-one') !== undefined);
      expect(book.secrets).to.have.members(['the-old-one', 'the-new-one']);
    });
  });
});
