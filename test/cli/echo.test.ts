import { connect } from 'heartwire'
import { expect, test } from 'vitest'
import { Program } from './program.ts'

test('heartwire echo sends everything back, until Ctrl-C', async () => {
  const program = new Program('echo', '--port', '0')
  const [, url = ''] = await program.says(/^listening at (ws:\/\/127\.0\.0\.1:\d+)\n$/)
  const socket = await connect(url, { origin: 'https://elsewhere.example', proxy: false })
  socket.send('hello')
  expect(await socket.receive()).toBe('hello')
  socket.send(Uint8Array.of(1, 2, 255))
  expect(await socket.receive()).toEqual(Buffer.of(1, 2, 255))
  expect(socket.extensions).toBe('')
  program.interrupt()
  expect(await socket.closed).toMatchObject({ code: 1001 })
  expect(await program.ended).toEqual({ code: 0, stdout: `listening at ${url}\n`, stderr: '' })
})

test('its line as JSON, with compression and a limit', async () => {
  const program = new Program('echo', '--port', '0', '--json', '--compress', '--max-payload', '1k')
  const [line] = await program.says(/^\{.*\}\n$/)
  const { url } = JSON.parse(line) as { url: string }
  const socket = await connect(url, { proxy: false })
  expect(socket.extensions).toMatch(/^permessage-deflate/)
  socket.send('a'.repeat(1024))
  expect(await socket.receive()).toBe('a'.repeat(1024))
  socket.send('a'.repeat(1025))
  expect(await socket.closed).toMatchObject({ code: 1009 })
})
