/** The files of a package of tools, as `init` writes them. */

/** @param name of the package. @param version of this one. @returns texts by path. */
export function packageFiles(name: string, version: string): Readonly<Record<string, string>> {
  return {
    'package.json': `${JSON.stringify(manifest(name, version), null, 2)}\n`,
    'tsconfig.json': `${JSON.stringify(TSCONFIG, null, 2)}\n`,
    '.gitignore': 'node_modules/\ndist/\n',
    'src/tools/word-count.ts': TOOL,
    'src/word-count.test.ts': TEST,
    'README.md': readme(name),
  };
}

const manifest = (name: string, version: string) => ({
  name,
  version: '0.1.0',
  private: true,
  type: 'module',
  scripts: {
    build: 'tsc',
    start: 'tsc && mcp-streaming-gateway --tools ./dist/tools',
    test: 'tsc && node --test dist/*.test.js',
  },
  dependencies: { 'mcp-streaming-gateway': `^${version}`, zod: '^4.0.0' },
  devDependencies: { '@types/node': '^22.0.0', typescript: '^5.9.0' },
  engines: { node: '>=20.19' },
});

const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    module: 'nodenext',
    types: ['node'],
    rootDir: 'src',
    outDir: 'dist',
    strict: true,
    skipLibCheck: true,
  },
  include: ['src'],
};

const TOOL = `import { defineTool, ToolError } from 'mcp-streaming-gateway';
import { z } from 'zod';

export const wordCount = defineTool({
  name: 'word_count',
  description: 'Counts the words of a text, line by line.',
  input: z.object({ text: z.string().describe('The text, with lines of its own.') }),
  chunk: z.object({ line: z.int(), words: z.int() }),
  output: z.object({ lines: z.int(), words: z.int() }),
  annotations: { readOnlyHint: true },
  async *run({ text }, { signal, progress }) {
    if (text.trim() === '') throw new ToolError('failed_precondition', 'the text is empty');
    const lines = text.split('\\n');
    let total = 0;
    for (const [at, line] of lines.entries()) {
      if (signal.aborted) break; // the caller left, or the deadline struck
      const words = line.split(/\\s+/).filter(Boolean).length;
      total += words;
      progress(at + 1, lines.length);
      yield { line: at + 1, words }; // waits while the client is slow
    }
    return { lines: lines.length, words: total };
  },
});
`;

const TEST = `import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ToolTests, testTools } from 'mcp-streaming-gateway/testing';

let tools: ToolTests;
before(async () => {
  tools = await testTools(new URL('./tools/', import.meta.url));
});
after(() => tools?.close());

test('counts words, a chunk a line', async () => {
  const { data, chunks, progress } = await tools.run('word_count', { text: 'one two\\nthree' });
  assert.deepEqual(data, { lines: 2, words: 3 });
  assert.deepEqual(chunks, [
    { line: 1, words: 2 },
    { line: 2, words: 1 },
  ]);
  assert.equal(progress.at(-1)?.progress, 2);
});

test('says what is wrong', async () => {
  await assert.rejects(tools.run('word_count', { text: 5 }), { code: 'invalid_arguments' });
  await assert.rejects(tools.run('word_count', { text: ' ' }), { code: 'failed_precondition' });
});
`;

const readme = (name: string) => `# ${name}

MCP tools, served by [mcp-streaming-gateway](https://www.npmjs.com/package/mcp-streaming-gateway). A tool is a file in
\`src/tools\`.

\`\`\`sh
npm install
npm test
npm start
\`\`\`

Then, in another terminal:

\`\`\`sh
curl -N http://127.0.0.1:8000/tools/word_count/stream \\
  -H 'X-API-Key: super-secret' -H 'Content-Type: application/json' \\
  -d '{"arguments": {"text": "one two\\nthree"}}'
\`\`\`

## From an MCP client

Claude Desktop (\`claude_desktop_config.json\`) and Cursor (\`.cursor/mcp.json\`) start the tools themselves; \`npm run build\`
comes first, and the path is that of this folder:

\`\`\`json
{
  "mcpServers": {
    ${JSON.stringify(name)}: {
      "command": "npx",
      "args": ["--prefix", "/path/to/${name}", "mcp-streaming-gateway", "stdio", "--tools", "/path/to/${name}/dist/tools"]
    }
  }
}
\`\`\`

Claude Code, beside \`npm start\`:

\`\`\`sh
claude mcp add --transport http ${name} http://127.0.0.1:8000/mcp --header "X-API-Key: super-secret"
\`\`\`

VS Code (\`.vscode/mcp.json\`), beside \`npm start\`:

\`\`\`json
{
  "servers": {
    ${JSON.stringify(name)}: {
      "type": "http",
      "url": "http://127.0.0.1:8000/mcp",
      "headers": { "X-API-Key": "super-secret" }
    }
  }
}
\`\`\`
`;
