import t from 'tap'
import { readConfig, VARIABLES } from '../src/config.js'
import { misspelled } from '../src/misspelled.js'

t.test('a variable that is unknown', async (t) => {
  t.test('is named at the start when it is nearly one that is known', (t) => {
    const near = [['HISTORY_SIZ', 'HISTORY_SIZE'], ['HISTROY_SIZE', 'HISTORY_SIZE'], ['history_size', 'HISTORY_SIZE'], ['HISTORYTTL', 'HISTORY_TTL'], ['BEARER_TOKENS', 'BEARER_TOKEN'], ['REDIS_ULR', 'REDIS_URL'],
      ['MAX_CONNECTION', 'MAX_CONNECTIONS'], ['ALLOWED_ORIGIN', 'ALLOWED_ORIGINS'], ['TOKEN_SECRTE_FILE', 'TOKEN_SECRET_FILE'], ['DRAIN_SECOND', 'DRAIN_SECONDS'], ['port', 'PORT']] as const
    for (const [name, meant] of near) t.strictSame(readConfig({ BEARER_TOKEN: 'secret', [name]: '7' }).warnings, [`${name} is unknown and has no effect: is ${meant} meant?`])
    t.end()
  })

  t.test('is of no interest otherwise', (t) => {
    t.strictSame(misspelled(['HOSTNAME', 'HOSTS', 'SORT', 'PATH', 'HOME', 'LOG', 'NODE_ENV', 'TOKEN', 'REDIS_HOST', 'npm_config_user_agent', 'SHELL', 'TERM', '_', ''], VARIABLES), [])
    t.strictSame(misspelled(VARIABLES, VARIABLES), [])
    t.end()
  })
})
