import { ArgumentError, connect, createServer, type Limits, prepare, type Socket } from 'heartwire'
import { memoryPair } from 'heartwire/testing'
import { describe, expect, test } from 'vitest'

const boundless = Object.create(null)

describe('what an option cannot be is named with its value', () => {
  test.each([
    [{ maxPayload: '1' }, 'The option maxPayload is a whole number of 0 or more, or Infinity, not "1".'],
    [{ maxPayload: [] }, 'The option maxPayload is a whole number of 0 or more, or Infinity, not an array.'],
    [
      { closeTimeout: '5' },
      'The option closeTimeout is a number of milliseconds above 0 and up to 2147483647, not "5".',
    ],
    [{ text: boundless }, "The option text is 'string' or 'bytes', not an object."],
    [{ message: boundless }, 'The option message is a function, not an object.'],
    [{ autoPong: 'no' }, 'The option autoPong is true or false, not "no".'],
    [{ serial: 1 }, 'The option serial is true or false, not 1.'],
    [{ serial: () => true }, 'The option serial is true or false, not a function.'],
    [{ heartbeat: true }, 'The option heartbeat is false or an object with interval, timeout, not true.'],
    [{ heartbeat: 5_000 }, 'The option heartbeat is false or an object with interval, timeout, not 5000.'],
    [{ heartbeat: { intervall: 5 } }, 'There is no option "heartbeat.intervall". Did you mean heartbeat.interval?'],
    [
      { heartbeat: { interval: '5' } },
      'The option heartbeat.interval is a number of milliseconds above 0 and up to 2147483647, not "5".',
    ],
    [{ messageRate: 5 }, 'The option messageRate is false or an object with perSecond, burst, over, not 5.'],
    [
      { messageRate: { perSecond: 5, brust: 1 } },
      'There is no option "messageRate.brust". Did you mean messageRate.burst?',
    ],
    [{ byteRate: { perSecond: '5' } }, 'The option byteRate.perSecond is a number above 0, not "5".'],
    [{ controlRate: { perSecond: 5, burst: '6' } }, 'The option controlRate.burst is a number of 1 or more, not "6".'],
  ])('%j', async (options, message) => {
    const error = new ArgumentError(message)
    expect(() => createServer(options as object)).toThrow(error)
    await expect(connect('ws://127.0.0.1:1', options as object)).rejects.toThrow(error)
  })

  test.each([5, 'fast', true, undefined, null])('setLimits(%j)', (limits) => {
    const { server } = memoryPair()
    const shown = typeof limits === 'string' ? `"${limits}"` : limits
    const { maxPayload } = server
    expect(() => server.setLimits(limits as Limits)).toThrow(
      new ArgumentError(`setLimits takes an object of options, not ${shown}.`),
    )
    expect(server.maxPayload).toBe(maxPayload)
  })

  test.each([
    [{ intervall: 5 }, 'There is no option "heartbeat.intervall". Did you mean heartbeat.interval?'],
    [true, 'The option heartbeat is false or an object with interval, timeout, not true.'],
    [null, 'The option heartbeat is false or an object with interval, timeout, not null.'],
  ])('socket.heartbeat = %j', (heartbeat, message) => {
    const { server } = memoryPair()
    const before = server.heartbeat
    expect(() => {
      server.heartbeat = heartbeat as Socket['heartbeat']
    }).toThrow(new ArgumentError(message))
    expect(server.heartbeat).toBe(before)
  })
})

describe('options of a message', () => {
  const wrong: [unknown, string][] = [
    [5, '$whose takes an object of options, not 5.'],
    [null, '$whose takes an object of options, not null.'],
    [() => {}, '$whose takes an object of options, not a function.'],
    [{ compres: false }, 'There is no option "compres" of $whose. Did you mean compress?'],
    [{ compress: 'no' }, 'The option compress is true or false, not "no".'],
    [{ type: 'txt' }, `The option type is 'text' or 'binary', not "txt".`],
  ]

  test.each([...wrong, ['txt', `The option type is 'text' or 'binary', not "txt".`]])('send(m, %j)', (options, why) => {
    const { server } = memoryPair()
    expect(() => server.send('m', options as 'text')).toThrow(
      new ArgumentError((why as string).replace('$whose', 'send')),
    )
    expect(server.counts.messagesOut).toBe(0)
  })

  test.each(wrong)('publish(t, m, %j)', (options, why) => {
    const error = new ArgumentError(why.replace('$whose', 'server.publish'))
    expect(() => createServer().publish('t', 'm', options as object)).toThrow(error)
  })

  test('prepare and duplex', () => {
    const error = new ArgumentError(`The option type is 'text' or 'binary', not "txt".`)
    expect(() => prepare('m', 'txt' as 'text')).toThrow(error)
    const { server } = memoryPair()
    expect(() => server.duplex({ type: 'txt' as 'text' })).toThrow(error)
  })

  test('all that there are', async () => {
    const { client, server } = memoryPair()
    server.send('1', undefined)
    server.send('2', {})
    server.send('3', 'binary')
    server.send('4', { type: 'binary', compress: true })
    expect([await client.receive(), await client.receive()]).toEqual(['1', '2'])
    expect([await client.receive(), await client.receive()]).toEqual([Buffer.from('3'), Buffer.from('4')])
    expect(createServer().publish('t', 'm', { type: 'text', key: 'k', compress: false, except: 'x' })).toBe(0)
  })
})
