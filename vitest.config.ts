import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const src = (file: string) => fileURLToPath(new URL(`./src/${file}`, import.meta.url))

/** Tests of what the build makes: the package, the documentation's programs, the chat; and the package in processes. */
const built = [
  'test/docs.test.ts',
  'test/package.test.ts',
  'test/native-package.test.ts',
  'test/ws/package.test.ts',
  'test/chat/**/*.test.ts',
  'test/cli/**/*.test.ts',
  'test/faults/**/*.test.ts',
  'test/proof/*.test.ts',
  'test/reconnect/{size,runtimes}.test.ts',
  'test/server/handle-signals.test.ts',
  'test/transport/addon.test.ts',
]
/** Tests of connections, of src/ and of what is built. They run once on the native transport and once on Node's. */
const connections = ['conformance', 'server', 'client', 'websocket', 'regressions'].map(
  (name) => `test/${name}/**/*.test.ts`,
)
const builtConnections = ['test/faults/**/*.test.ts', 'test/proof/chaos.test.ts']
const withoutAddon = { HEARTWIRE_NATIVE: '0' }
/** Tests in a browser. */
const page = ['test/**/page.test.ts', 'test/**/*.page.test.ts']

// A project's global setup runs only when one of its tests does: testing src/ needs neither a build nor a browser.
export default defineConfig({
  resolve: {
    alias: [
      { find: /^heartwire$/, replacement: src('index.ts') },
      { find: /^heartwire\/protocol$/, replacement: src('protocol/index.ts') },
      { find: /^heartwire\/prometheus$/, replacement: src('prometheus.ts') },
      { find: /^heartwire\/reconnect$/, replacement: src('reconnect/index.ts') },
      { find: /^heartwire\/testing$/, replacement: src('testing.ts') },
      { find: /^heartwire\/websocket$/, replacement: src('websocket/index.ts') },
      { find: /^heartwire\/ws$/, replacement: src('ws/index.ts') },
    ],
  },
  test: {
    testTimeout: 20_000,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary', 'html'] },
    projects: [
      { extends: true, test: { name: 'src', include: ['test/**/*.test.ts'], exclude: [...built, ...page] } },
      {
        extends: true,
        test: { name: 'built', include: built, exclude: page, globalSetup: 'test/setup/build.ts' },
      },
      {
        extends: true,
        test: { name: 'src on node', include: connections, exclude: [...built, ...page], env: withoutAddon },
      },
      {
        extends: true,
        test: {
          name: 'built on node',
          include: builtConnections,
          env: withoutAddon,
          globalSetup: 'test/setup/build.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'page',
          include: page,
          globalSetup: ['test/setup/build.ts', 'test/setup/chromium.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
