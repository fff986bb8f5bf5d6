// A program as a user of the package writes it, in an ES module. It prints what it saw for client-package.test.ts to judge.
import { connectToChannel, type Close, type Gap, type Meta, type Options, type State, type TransportName } from 'fastify-messenger-client'
import { useChannel, type Subscription } from 'fastify-messenger-client/react'
import { connectToChannel as connectShared } from 'fastify-messenger-client/shared'

declare const process: { argv: string[] }
declare const console: { log: (text: string) => void }

interface Greeting { text: string }

const transport: TransportName = 'auto'
const states: State[] = []
const gaps: Gap[] = []
const closes: Close[] = []
const options: Options = {
  server: process.argv[2], since: 'earliest', transport, share: 'user-7',
  onState: (state) => { states.push(state) }, onGap: (gap) => { gaps.push(gap) }, onClose: (close) => { closes.push(close) }
}

const refusals = [undefined, '/rt'].map((server) => {
  try {
    return connectToChannel('room1', () => {}, { server })
  } catch (error) {
    return String(error)
  }
})

const receive = async (connect: typeof connectToChannel): Promise<{ message: Greeting, meta: Meta }> => await new Promise((resolve) => {
  const disconnect: () => void = connect<Greeting>('room1', (message, meta) => {
    disconnect()
    resolve({ message, meta })
  }, options)
})

const { message, meta } = await receive(connectToChannel)
const again = await receive(connectShared)
const hook: (channel: string | null, onMessage: (message: Greeting) => void) => Subscription = useChannel<Greeting>
console.log(JSON.stringify({
  message, again: again.meta.id === meta.id, open: states.includes('open'), gaps, closes, refusals, hook: typeof hook, one: connectToChannel === connectShared
}))
