import { expect, test } from 'vitest'
import * as handshake from '../../src/protocol/handshake.ts'

test('one module has the handshake of both roles', () => {
  expect(Object.keys(handshake).sort()).toEqual([
    'HeaderFields',
    'acceptKey',
    'checkChosenSubprotocol',
    'checkSubprotocols',
    'checkUpgradeRequest',
    'checkUpgradeResponse',
    'chooseSubprotocol',
    'createKey',
    'reasonPhrase',
    'refusalResponse',
    'requestHeaderLines',
    'requestHeaders',
    'responseHead',
  ])
})
