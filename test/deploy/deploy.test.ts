/** The files of docs/deploy: what can be checked of them without what runs them. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DEPLOY = join(ROOT, 'docs/deploy');
const read = (path: string): string => readFileSync(join(DEPLOY, path), 'utf8');
const DASHBOARD = 'grafana/dashboards/mcp-streaming-gateway.json';

/** Says why a test is skipped where a program is not there. */
function ran(context: Mocha.Context, program: string, args: readonly string[], hint: string) {
  const done = spawnSync(program, args, { encoding: 'utf8' });
  if (!done.error) return done;
  console.log(`      ${program} is not on the PATH (${hint})`);
  return context.skip();
}

/** The names under which the gateway exposes figures, as its code writes them. */
function exposedNames(): Set<string> {
  const folder = join(ROOT, 'lib/observe/metrics');
  const code = readdirSync(folder)
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
  const own = [...code.matchAll(/`\$\{PREFIX\}(\w+)`/g)].map(([, name]) => `mcp_gateway_${name}`);
  return new Set([...own, ...(code.match(/\b(?:process|nodejs|mcp_server)_\w+/g) ?? []), 'up']);
}

const namesIn = (query: string): string[] =>
  [...query.matchAll(/\b(?:mcp_gateway|mcp_server|process)_\w+/g)].map(([name]) =>
    name.replace(/_(?:bucket|sum|count)$/, ''),
  );

describe('docs/deploy', () => {
  it('asks Prometheus for figures that there are', () => {
    const { panels } = JSON.parse(read(DASHBOARD)) as {
      panels: { title: string; targets: { expr: string }[] }[];
    };
    const asked = panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => namesIn(expr)));
    const exposed = exposedNames();
    const all = [...asked, ...namesIn(read('prometheus/alerts.yml'))];
    expect(all.filter((name) => !exposed.has(name))).to.deep.equal([]);
    expect(all.length).to.be.above(15);
  });

  it('has alert rules and a configuration that Prometheus takes', function () {
    const folder = mkdtempSync(join(tmpdir(), 'deploy-test-'));
    try {
      const key = join(folder, 'key');
      writeFileSync(key, 'a-key');
      writeFileSync(join(folder, 'alerts.yml'), read('prometheus/alerts.yml'));
      const config = read('prometheus/prometheus.yml').replace('/run/secrets/api-key', key);
      writeFileSync(join(folder, 'prometheus.yml'), config);
      const path = join(folder, 'prometheus.yml');
      const checked = ran(this, 'promtool', ['check', 'config', path], 'Debian: apt-get install prometheus');
      expect([checked.status, checked.stderr]).to.deep.equal([0, '']);
      expect(checked.stdout).to.contain('3 rules found');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('has a fleet: every figure that it asks for is there, and what it mounts', function () {
    const alerts = read('fleet/prometheus/alerts.yml');
    const exposed = exposedNames();
    const asked = [...namesIn(alerts), ...namesIn(read('fleet/keda.yaml'))];
    expect(asked.filter((name) => !exposed.has(name))).to.deep.equal([]);
    expect(asked.length).to.be.above(6);
    const compose = read('fleet/compose.yaml');
    for (const [, path = ''] of compose.matchAll(/'(\.\/[^:']+):/g))
      expect(existsSync(join(DEPLOY, 'fleet', path)), path).to.equal(true);
    for (const name of ['gateway-1', 'gateway-2', 'host-1', 'host-2', 'redis', 'postgres', 'proxy'])
      expect(compose).to.match(new RegExp(`^  ${name}:`, 'm'));
    expect(compose).to.contain('noeviction').and.contain('--appendonly');
    const folder = mkdtempSync(join(tmpdir(), 'deploy-test-'));
    try {
      writeFileSync(join(folder, 'key'), 'a-key');
      writeFileSync(join(folder, 'alerts.yml'), alerts);
      const path = join(folder, 'prometheus.yml');
      const config = read('fleet/prometheus/prometheus.yml');
      writeFileSync(path, config.replace('/run/secrets/api-key', join(folder, 'key')));
      const checked = ran(this, 'promtool', ['check', 'config', path], 'Debian: apt-get install prometheus');
      expect([checked.status, checked.stderr]).to.deep.equal([0, '']);
      expect(checked.stdout).to.contain('4 rules found');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('has a unit that systemd takes', function () {
    const unit = join(DEPLOY, 'mcp-streaming-gateway.service');
    const checked = ran(this, 'systemd-analyze', ['verify', unit], 'Debian: apt-get install systemd');
    expect([checked.status, checked.stdout + checked.stderr]).to.deep.equal([0, '']);
  });

  it('has an image without root, which asks the gateway for its health', () => {
    const stages = read('Dockerfile').split(/^FROM /m);
    const last = stages.at(-1) ?? '';
    expect(stages.length).to.be.above(2);
    expect(last)
      .to.match(/^USER node$/m)
      .and.match(/^ENTRYPOINT \["node_modules\/\.bin\/mcp-streaming-gateway"\]$/m);
    expect(last).to.match(
      /HEALTHCHECK [^\n]*\\\n\s+CMD \["node_modules\/\.bin\/mcp-streaming-gateway", "healthcheck"\]/,
    );
  });

  it('mounts what is there, and gives Prometheus the key that the gateway has', () => {
    const compose = read('compose.yaml');
    const mounted = [...compose.matchAll(/- (\.\/[^:]+):/g)].map(([, path = '']) => path);
    expect(mounted).to.have.lengthOf(3);
    for (const path of mounted) expect(existsSync(join(DEPLOY, path)), path).to.equal(true);
    expect(compose).to.contain('API_KEY_FILE: /run/secrets/api-key');
    expect(read('prometheus/prometheus.yml')).to.contain('credentials_file: /run/secrets/api-key');
    expect(existsSync(join(ROOT, 'docs/deploy/Dockerfile'))).to.equal(true);
  });

  it('probes a pod by the paths that need no key', () => {
    const manifest = read('kubernetes.yaml');
    expect(manifest.match(/path: \/health\/(?:ready|live)/g)).to.have.lengthOf(3);
    expect(manifest).to.contain('runAsNonRoot: true').and.contain('readOnlyRootFilesystem: true');
  });
});
