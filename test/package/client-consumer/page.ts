/// <reference types="fastify-messenger-client/global" />
// The script of a page beside the classic script.
const disconnect: () => void = connectToChannel<{ text: string }>('room1', ({ text }, { id }) => { text.concat(id) }, { since: 'earliest' })
disconnect()
// @ts-expect-error -- there is no such option
connectToChannel('room1', () => {}, { sicne: 'earliest' })
