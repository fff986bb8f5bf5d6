import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { ask, port, startService, TOKEN } from '../helper.js'
import { serve } from '../cli/run-command.js'
import { createDirectory } from '../temporary.js'

const run = promisify(execFile)
const TIMEOUT_MS = 300_000

t.setTimeout(TIMEOUT_MS)

/** Publishes 0 to 299 to three channels in turn, and two messages that are refused; prints a line of JSON for each that was not sent. */
const PYTHON = `
import contextlib, json, sys
from publisher import Publisher, PublishError
with contextlib.closing(Publisher(sys.argv[1], sys.argv[2])) as publisher:
    futures = [publisher.publish(f"c{number % 3}", number) for number in range(300)]
    futures += [publisher.publish("client.js", 1), publisher.publish("c0", None), publisher.publish("c0", {"n": [1.5, "ü"]})]
    publisher.flush()
    for future in futures:
        error = future.exception()
        if error: print(json.dumps({"channel": error.channel, "code": error.code}))
    assert futures[0].result()["id"].endswith(":1")
try:
    publisher.publish("c0", 1)
except PublishError as error:
    print(json.dumps({"channel": error.channel, "code": error.code}))
`
const GO = `package main

import (
	"encoding/json"
	"os"
	"strconv"

	"example/publisher"
)

func main() {
	p := publisher.New(os.Args[1], os.Args[2])
	var messages []*publisher.Message
	for number := range 300 {
		messages = append(messages, p.Publish("c"+strconv.Itoa(number%3), number))
	}
	messages = append(messages, p.Publish("client.js", 1), p.Publish("c0", nil), p.Publish("c0", map[string]any{"n": []any{1.5, "ü"}}), p.Publish("c0", func() {}))
	p.Flush()
	for _, message := range messages {
		if sent, err := message.Wait(); err != nil {
			refused := err.(*publisher.Error)
			json.NewEncoder(os.Stdout).Encode(map[string]any{"channel": refused.Channel, "code": refused.Code})
		} else if sent.ID == "" {
			panic("no id")
		}
	}
	p.Close()
}
`

/** Whether a command is there. */
async function has (command: string, ...args: string[]): Promise<boolean> {
  return await run(command, args).then(() => true, () => false)
}

const BROKEN_REQUESTS = 9

/** A proxy in front of the service that breaks the first requests: before they arrive, and after they were answered. */
async function unreliable (t: Test, target: number): Promise<string> {
  let requests = 0
  return await serve(t, (incoming, response) => {
    const fate = ++requests > BROKEN_REQUESTS ? 'whole' : ['lost', 'refused', 'cut'][requests % 3]
    if (fate === 'lost') { incoming.socket.destroy(); return }
    if (fate === 'refused') { response.writeHead(503, { 'retry-after': '0' }).end('<html>'); return }
    const outgoing = request({ host: '127.0.0.1', port: target, method: incoming.method, path: incoming.url, headers: incoming.headers }, (answer: IncomingMessage) => {
      // The messages were kept, and the program cannot know.
      if (fate === 'cut') { answer.resume(); incoming.socket.destroy(); return }
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    incoming.pipe(outgoing)
  })
}

async function outputOf (child: ChildProcess): Promise<string> {
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => { text += String(chunk) })
  const [code] = await once(child, 'close') as [number | null]
  t.equal(code, 0)
  return text
}

async function check (t: Test, command: string, args: string[], options: object, refused: object[]): Promise<void> {
  const app = await startService(t, { HISTORY_SIZE: '1000' })
  const child = spawn(command, [...args, await unreliable(t, port(app)), TOKEN], { stdio: ['ignore', 'pipe', 'inherit'], ...options })
  t.teardown(() => { child.kill('SIGKILL') })
  const printed = (await outputOf(child)).trim().split('\n').map((line) => JSON.parse(line) as object)
  t.strictSame(printed, refused)
  for (let channel = 0; channel < 3; channel++) {
    const { body } = await ask(app, `/c${channel}?since=earliest&limit=1000`)
    const messages = (body['messages'] as { message: unknown }[]).map(({ message }) => message)
    const expected: unknown[] = Array.from({ length: 100 }, (_, index) => 3 * index + channel)
    t.strictSame(messages, channel === 0 ? [...expected, { n: [1.5, 'ü'] }] : expected)
  }
}

const RESERVED = { channel: 'client.js', code: 'MSG_ERR_CHANNEL_RESERVED' }
const MISSING = { channel: 'c0', code: 'MSG_ERR_MESSAGE_MISSING' }

t.test('the publishers in other languages', async (t) => {
  t.test('have at most 150 lines', (t) => {
    for (const file of ['publisher.py', 'publisher.go']) t.ok(readFileSync(`examples/publishers/${file}`, 'utf8').split('\n').length <= 151, file)
    t.end()
  })

  t.test('deliver each message once and in order through a network that breaks: Python', { timeout: TIMEOUT_MS, skip: await has('python3', '--version') ? false : 'python3 is not installed' }, async (t) => {
    const path = createDirectory(t)
    copyFileSync('examples/publishers/publisher.py', join(path, 'publisher.py'))
    writeFileSync(join(path, 'main.py'), PYTHON)
    await check(t, 'python3', ['main.py'], { cwd: path }, [RESERVED, MISSING, { channel: 'c0', code: 'MSG_ERR_PUBLISHER_CLOSED' }])
  })

  t.test('deliver each message once and in order through a network that breaks: Go', { timeout: TIMEOUT_MS, skip: await has('go', 'version') ? false : 'go is not installed' }, async (t) => {
    const path = createDirectory(t)
    mkdirSync(join(path, 'publisher'))
    copyFileSync('examples/publishers/publisher.go', join(path, 'publisher/publisher.go'))
    writeFileSync(join(path, 'go.mod'), 'module example\n\ngo 1.24\n')
    writeFileSync(join(path, 'main.go'), GO)
    await run('go', ['build', '-o', 'main', '.'], { cwd: path })
    await check(t, join(path, 'main'), [], {}, [RESERVED, MISSING, { channel: 'c0', code: 'MSG_ERR_MESSAGE_INVALID' }])
  })
})
