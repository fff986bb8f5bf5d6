import t from 'tap'
import { ask, startService } from '../helper.js'
import { run } from './run-command.js'

const env = { TOKEN_SECRET: 'a-secret-of-thirty-two-characters,the-one-before-of-thirty-two-characters', TOKEN_ISSUER: 'here', TOKEN_AUDIENCE: 'there' }

function claimsOf (token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
}

t.test('token', async (t) => {
  t.test('signs a token that the service accepts for its channels', async (t) => {
    const app = await startService(t, env)
    const { code, stdout } = await run(t, 'token', ['--subscribe', 'user:7:*,news', '--subscribe', 'team', '--sub', '7'], { env })
    t.equal(code, 0)
    const statusOf = async (channel: string): Promise<number> => (await ask(app, `/${channel}`, { headers: { authorization: `Bearer ${stdout.trim()}` } })).status
    for (const channel of ['user:7:orders', 'news', 'team']) t.equal(await statusOf(channel), 200)
    t.equal(await statusOf('user:8:orders'), 403)
  })

  t.test('has the claims that are asked for, and a random name and an hour by default', async (t) => {
    const { stdout } = await run(t, 'token', ['--send', 'a', '--sub', '7', '--jti', 'one', '--ttl', '60', '--json'], { env })
    const { token, jti, exp } = JSON.parse(stdout) as { token: string, jti: string, exp: number }
    t.match(claimsOf(token), { send: ['a'], sub: '7', jti, exp, iss: 'here', aud: 'there', iat: exp - 60 })
    t.equal(jti, 'one')
    const claims = claimsOf((await run(t, 'token', ['--send', 'a'], { env })).stdout)
    t.match(claims, { jti: /^[\da-f-]{36}$/, exp: Number(claims['iat']) + 3_600 })
  })

  t.test('says what is missing or invalid, without a secret', async (t) => {
    const cases: [string[], NodeJS.ProcessEnv, number, RegExp][] = [
      [['--send', 'a'], {}, 1, /TOKEN_SECRET must be set/],
      [['--send', 'a'], { TOKEN_SECRET: 'short' }, 1, /TOKEN_SECRET must be/],
      [[], env, 1, /give subscribe or send/],
      [['--send', 'no space'], env, 1, /send must be a list/],
      [['--send', 'a', '--sub', ''], env, 1, /sub must have 1 to 255/],
      [['--send', 'a', '--ttl', '0'], env, 2, /--ttl must be an integer/],
      [['--send', 'a', '--ttl', '2592001'], env, 1, /TOKEN_MAX_TTL/],
      [['room'], env, 2, /name channels with --subscribe/]
    ]
    for (const [args, given, expected, text] of cases) {
      const { code, stdout, stderr } = await run(t, 'token', args, { env: given })
      t.match({ code, stdout, stderr }, { code: expected, stdout: '', stderr: text })
      t.equal(stderr.split('\n').length, 2, 'one line')
      t.notMatch(stderr, /short|a-secret/)
    }
  })
})
