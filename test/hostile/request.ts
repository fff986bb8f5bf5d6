import { TOKEN } from '../helper.js'

/** A header as it is written; one character of the value is a byte. */
export type Header = readonly [name: string, value: string]

/** A request to publish; one character of the body is a byte. */
export interface Publishing {
  target: string
  body: string
  method?: string
  authorization?: readonly Header[]
  contentType?: readonly Header[]
  headers?: readonly Header[]
}

export const AUTHORIZATION: Header = ['Authorization', `Bearer ${TOKEN}`]
export const JSON_TYPE: Header = ['Content-Type', 'application/json']

/** A request to publish as it goes over the wire, correct but for what is given. */
export function publishing ({ target, body, method = 'POST', authorization = [AUTHORIZATION], contentType = [JSON_TYPE], headers = [] }: Publishing): string {
  return request(method, target, [...authorization, ...contentType, ['Content-Length', String(body.length)], ...headers], body)
}

/** A request as it goes over the wire. */
export function request (method: string, target: string, headers: readonly Header[] = [], body = ''): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${target} HTTP/1.1\r\nHost: test\r\n${lines.join('')}\r\n${body}`
}

/** The bytes of a text in UTF-8, one character a byte. */
export function utf8 (text: string): string {
  return Buffer.from(text).toString('latin1')
}
