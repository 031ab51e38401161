import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join } from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

interface Asset {
  type: string
  body: Buffer
}

export type Site = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Serves the chat's page. Every file is read now, so a request can only name one of them: there is no path to escape from.
 *
 * @param chat Folder with the built chat: `page/` and the modules that the page shares with the server.
 * @param parts Folders with the built `heartwire/protocol` and `heartwire/reconnect`, which the page imports as they are.
 */
export async function loadSite(chat: string, parts: { protocol: string; reconnect: string }): Promise<Site> {
  const assets = new Map<string, Asset>()
  await addFolder(assets, '/page/', join(chat, 'page'))
  await addFolder(assets, '/protocol/', parts.protocol)
  await addFolder(assets, '/reconnect/', parts.reconnect)
  await addFile(assets, '/wire.js', join(chat, 'wire.js'))
  const index = assets.get('/page/index.html')
  if (!index) throw new Error(`There is no page/index.html in ${chat}.`)
  assets.set('/', index)
  const policy = contentSecurityPolicy(index.body.toString())

  return (request, response) => {
    response.setHeader('Content-Security-Policy', policy)
    response.setHeader('X-Content-Type-Options', 'nosniff')
    response.setHeader('Referrer-Policy', 'no-referrer')
    response.setHeader('Cache-Control', 'no-cache')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      answer(request, response, 405, { type: 'text/plain; charset=utf-8', body: Buffer.from('Method not allowed\n') })
      return
    }
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    const asset = assets.get(path)
    if (asset) answer(request, response, 200, asset)
    else answer(request, response, 404, { type: 'text/plain; charset=utf-8', body: Buffer.from('Not found\n') })
  }
}

function answer(request: IncomingMessage, response: ServerResponse, status: number, { type, body }: Asset): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': body.length })
  response.end(request.method === 'HEAD' ? undefined : body)
}

async function addFolder(assets: Map<string, Asset>, prefix: string, folder: string): Promise<void> {
  const names = await readdir(folder)
  await Promise.all(names.map((name) => addFile(assets, prefix + name, join(folder, name))))
}

async function addFile(assets: Map<string, Asset>, path: string, file: string): Promise<void> {
  const type = TYPES[extname(file)]
  if (type) assets.set(path, { type, body: await readFile(file) })
}

/** Nothing but this site's own files; the one inline script, the import map, is allowed by its hash. */
function contentSecurityPolicy(html: string): string {
  const importMap = /<script type="importmap">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? ''
  const hash = createHash('sha256').update(importMap).digest('base64')
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}
