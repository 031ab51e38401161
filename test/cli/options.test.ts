import { expect, test } from 'vitest'
import { UsageError } from '../../src/cli/arguments.ts'
import { parseOptions } from '../../src/cli/bench/options.ts'

test.each([
  [['example.com'], '"example.com" is not a URL'],
  [['ftp://x'], 'The URL "ftp://x" is not one of a WebSocket: its scheme is "ftp:", not "ws:" or "wss:"'],
  [['ws://x', '--conections', '4'], 'there is no option --conections, but there is --connections'],
  [['ws://x', '--nonsense'], 'there is no option --nonsense'],
  [['ws://x', '--rate'], '--rate needs a value: N'],
  [['ws://x', '--rate', '--json'], '--rate needs a value: N'],
  [['ws://x', '--rate', '-5'], '--rate is a number above 0, not "-5"'],
  [['ws://x', '-c', '0'], '--connections is a whole number from 1 to 1000000, not "0"'],
  [['ws://x', '-d', 'ten'], '--duration is a time such as 10, 10s, 500ms or 2m, not "ten"'],
  [['ws://x', '--size', '1g'], '--size is a size such as 64, 16k or 1m, up to 268435456 bytes, not "1g"'],
  [['ws://x', '--type', 'json'], '--type is text or binary, not "json"'],
  [['ws://x', '--mode', 'push'], '--mode is echo or listen, not "push"'],
  [['ws://x', '--json=yes'], '--json takes no value'],
  [['ws://x', '--origin', 'a', '--origin', 'b'], '--origin is given twice'],
  [['ws://x', '-H', 'authorization'], `--header is 'NAME: VALUE', not "authorization"`],
  [['ws://x', '-H', 'Upgrade: x'], 'The header "Upgrade" cannot be set: it belongs to the WebSocket handshake'],
  [['ws://x', '--subprotocol', 'a b'], 'The subprotocol "a b" is not a token (RFC 6455 section 4.1)'],
  [['ws://x', '--local-address', 'eth0'], 'The option localAddress is an IP address, not "eth0"'],
  [['ws://x', '--payload', 'nowhere'], '--payload cannot be read: nowhere (ENOENT)'],
  [['ws://x', '--ramp', '2', '--open-rate', '3'], '--ramp and --open-rate contradict each other'],
  [['ws://x', '--rate', '2', '--in-flight', '3'], '--rate and --in-flight contradict each other'],
  [['ws://x', '--spin'], '--spin has no meaning without --rate'],
  [['ws://x', '--mode', 'listen', '--rate', '3'], '--rate has no meaning in mode listen, which sends nothing'],
  [['ws://x', '-c', '2', '--processes', '3'], 'there are fewer connections than processes'],
])('what is wrong with %j', (args, sentence) => {
  expect(() => parseOptions(args)).toThrow(new UsageError(sentence))
})

test('what is not said', () => {
  const { plan, ...rest } = parseOptions(['ws://x'])
  expect(rest).toEqual({ processes: 1, json: false, quiet: false })
  const { payload, ...more } = plan
  expect(payload.length).toBe(64)
  expect(more).toEqual({
    urls: ['ws://x'],
    connections: 10,
    openRate: undefined,
    headers: {},
    origin: undefined,
    protocols: [],
    compress: false,
    tls: {},
    localAddresses: [],
    mode: 'echo',
    type: 'text',
    check: false,
    numbered: false,
    rate: undefined,
    inFlight: 1,
    spin: false,
    messages: undefined,
    duration: 10_000,
    warmUp: 0,
    timeout: 10_000,
  })
})

test('units', () => {
  const { plan } = parseOptions('ws://x -c 300 --ramp 1m --warmup .5 -d 1.5h --size 16K -r 0.1'.split(' '))
  expect(plan).toMatchObject({ openRate: 5, warmUp: 500, duration: 5_400_000, rate: 0.1 })
  expect(plan.payload.length).toBe(16_384)
})
