/**
 * @file A local HTTP proxy: what is asked of it is kept, tunnels end at a server of this machine.
 */

import { createServer, request as send } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { TLSSocket } from 'node:tls'

export interface ProxyServer {
  url: string
  /** `CONNECT host:port`, or `GET http://host/path`. */
  requests: string[]
  close(): Promise<void>
}

export interface ProxyTarget {
  /** Where every tunnel ends, whatever it was asked for: the port of a plain HTTP server. */
  port: number
  /**
   * With these the proxy speaks for the far side: what comes through a tunnel is TLS, and reaches
   * the server decrypted.
   */
  tls?: { key: string; cert: string }
  /** Answers every tunnel with this status. */
  refuse?: number
}

export async function startProxy({ port, tls, refuse }: ProxyTarget): Promise<ProxyServer> {
  const requests: string[] = []
  const server = createServer((asked, response) => {
    requests.push(`${asked.method} ${asked.url}`)
    const forwarded = send(asked.url ?? '', { method: asked.method, headers: asked.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    forwarded.on('error', () => response.writeHead(502).end())
    asked.pipe(forwarded)
  })
  server.on('connect', (asked, socket) => {
    requests.push(`CONNECT ${asked.url}`)
    // A client that leaves is nobody's failure.
    socket.on('error', () => socket.destroy())
    if (refuse !== undefined) return socket.end(`HTTP/1.1 ${refuse} Refused\r\n\r\n`)
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    const inside = tls === undefined ? socket : new TLSSocket(socket, { isServer: true, ...tls })
    const far = connect(port, '127.0.0.1')
    for (const end of [inside, far]) end.on('error', () => end.destroy())
    inside.pipe(far).pipe(inside)
    return socket
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    requests,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0
}
