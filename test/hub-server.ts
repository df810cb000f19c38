/**
 * @file A local server that answers as the Hugging Face Hub does, and fails on demand: what the
 * hub's client is tested against.
 */

import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ServedRepository {
  /** Branches and tags → commit. The name of a data set begins with `datasets/`. */
  refs: Readonly<Record<string, string>>
  /** Path → bytes. What ends with `.safetensors` lies in large file storage, behind a redirect. */
  files: Readonly<Record<string, Uint8Array>>
  /** Whether files need a token that was let in; `closed`: no token is. */
  gated?: boolean | 'closed'
  private?: boolean
}

/** One answer that goes wrong. */
export interface Fault {
  /** Which requests, as `GET /path`. */
  on: RegExp
  /** How often; default once. */
  times?: number
  status?: number
  headers?: Readonly<Record<string, string>>
  /** Breaks the connection after so many bytes of the body. */
  cutAfter?: number
  /** Sends nothing more after so many bytes, and stays. */
  stallAfter?: number
  /** Sends other bytes of the same length. */
  corrupt?: boolean
  /** Sends all with status 200, whatever range was asked for. */
  ignoreRange?: boolean
  /** Another body, with status 200. */
  body?: string
}

export interface HubServer {
  url: string
  /** Requests, as `GET /path`, with the range and the token. */
  requests: { line: string; range: string | undefined; token: string | undefined }[]
  faults: Fault[]
  repositories: Record<string, ServedRepository>
  /** Leaves sizes and checksums out of lists, as mirrors do. */
  terse: boolean
  close(): Promise<void>
}

export const GOOD_TOKEN = 'hf_good'

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export function gitBlob(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

export async function startHubServer(repositories: Record<string, ServedRepository>): Promise<HubServer> {
  const server = createServer((request, response) => answer(request, response, hub))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const hub: HubServer = {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    requests: [],
    faults: [],
    repositories,
    terse: false,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return hub
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0
}

function answer(request: IncomingMessage, response: ServerResponse, hub: HubServer): ServerResponse {
  const line = `${request.method} ${decodeURIComponent(request.url ?? '/')}`
  const token = request.headers.authorization?.replace(/^Bearer /, '')
  hub.requests.push({ line, range: request.headers.range, token })
  const fault = hub.faults.find(({ on, times = 1 }) => on.test(line) && times > 0)
  if (fault !== undefined) fault.times = (fault.times ?? 1) - 1
  if (fault?.status !== undefined) return refuse(response, fault.status, fault.headers)
  if (fault?.body !== undefined) return response.writeHead(200, fault.headers).end(fault.body)
  const url = new URL(request.url ?? '/', hub.url)
  const parts = url.pathname.split('/').slice(1).map(decodeURIComponent)
  if (parts[0] === 'cdn') return serveStored(request, response, hub, parts[1] ?? '', fault)
  const api = parts[0] === 'api'
  const isData = parts[api ? 1 : 0] === 'datasets'
  const [org, name, verb, revision = 'main', ...path] = parts.slice(api ? 2 : Number(isData))
  const repository = hub.repositories[`${isData ? 'datasets/' : ''}${org}/${name}`]
  if (token !== undefined && token !== GOOD_TOKEN)
    return refuse(response, 401, { 'x-error-message': 'Invalid credentials in Authorization header' })
  if (repository === undefined || (repository.private && token === undefined)) {
    return refuse(response, token === undefined ? 401 : 404, {
      'x-error-code': 'RepoNotFound',
      'x-error-message': 'Repository not found',
    })
  }
  const commit =
    repository.refs[revision] ?? (Object.values(repository.refs).includes(revision) ? revision : undefined)
  if (commit === undefined)
    return refuse(response, 404, { 'x-error-code': 'RevisionNotFound', 'x-error-message': 'Invalid rev id' })
  if (api && verb === 'revision')
    return serveList(response, commit, repository, hub.terse || !url.searchParams.has('blobs'))
  if (repository.gated === 'closed' || (repository.gated && token === undefined)) {
    return refuse(response, token === undefined ? 401 : 403, {
      'x-error-code': 'GatedRepo',
      'x-error-message': 'Access to this model is restricted.',
    })
  }
  return serveFile(request, response, { hub, repository, commit, file: path.join('/') }, fault)
}

function refuse(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): ServerResponse {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  return response.end(JSON.stringify({ error: headers['x-error-message'] ?? `HTTP ${status}` }))
}

function serveList(
  response: ServerResponse,
  sha: string,
  { files }: ServedRepository,
  terse: boolean,
): ServerResponse {
  const siblings = Object.entries(files).map(([rfilename, bytes]) => {
    const stored = isStored(rfilename)
      ? { lfs: { sha256: sha256(bytes), size: bytes.length, pointerSize: 134 } }
      : {}
    return terse ? { rfilename } : { rfilename, size: bytes.length, blobId: gitBlob(bytes), ...stored }
  })
  response.writeHead(200, { 'content-type': 'application/json' })
  return response.end(
    JSON.stringify({
      _id: '0',
      id: 'x',
      modelId: 'x',
      sha,
      private: false,
      tags: [],
      downloads: 0,
      likes: 0,
      siblings,
    }),
  )
}

function isStored(name: string): boolean {
  return name.endsWith('.safetensors')
}

interface Found {
  hub: HubServer
  repository: ServedRepository
  commit: string
  file: string
}

function serveFile(
  request: IncomingMessage,
  response: ServerResponse,
  { hub, repository, commit, file }: Found,
  fault?: Fault,
): ServerResponse {
  const bytes = repository.files[file]
  const headers = { 'x-repo-commit': commit }
  if (bytes === undefined) {
    return refuse(response, 404, {
      ...headers,
      'x-error-code': 'EntryNotFound',
      'x-error-message': 'Entry not found',
    })
  }
  if (!isStored(file))
    return send(request, response, bytes, { ...headers, etag: `"${gitBlob(bytes)}"` }, fault)
  const digest = sha256(bytes)
  const linked = { 'x-linked-etag': `"${digest}"`, 'x-linked-size': String(bytes.length) }
  // Another origin than the hub's, as a storage network is: `localhost` is not `127.0.0.1`.
  const location = `${hub.url.replace('127.0.0.1', 'localhost')}/cdn/${digest}`
  return response.writeHead(302, { ...headers, ...linked, location }).end()
}

function serveStored(
  request: IncomingMessage,
  response: ServerResponse,
  hub: HubServer,
  digest: string,
  fault?: Fault,
): ServerResponse {
  const all = Object.values(hub.repositories).flatMap(({ files }) => Object.values(files))
  const bytes = all.find((candidate) => sha256(candidate) === digest)
  if (bytes === undefined) return refuse(response, 403)
  return send(request, response, bytes, { etag: '"storage"' }, fault)
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  headers: Record<string, string>,
  fault?: Fault,
): ServerResponse {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
  const ranged = from !== undefined && !fault?.ignoreRange
  const start = ranged ? Number(from) : 0
  if (ranged && start >= bytes.length) return refuse(response, 416)
  const end = ranged && to ? Number(to) + 1 : bytes.length
  const part = bytes.slice(start, end)
  if (fault?.corrupt) part.fill(0x2a)
  const range = ranged ? { 'content-range': `bytes ${start}-${start + part.length - 1}/${bytes.length}` } : {}
  response.writeHead(ranged ? 206 : 200, {
    'content-length': part.length,
    'accept-ranges': 'bytes',
    ...range,
    ...headers,
  })
  if (request.method === 'HEAD') return response.end()
  const limit = fault?.cutAfter ?? fault?.stallAfter
  if (limit === undefined) return response.end(part)
  response.write(part.subarray(0, limit), () => {
    // The bytes are to arrive before the end does.
    if (fault?.cutAfter !== undefined) setTimeout(() => response.destroy(), 20)
  })
  return response
}
