import { Body, Controller, Headers, HttpCode, Post, UnauthorizedException } from '@nestjs/common'
import { Channels } from './channels.js'
import { Sessions } from './sessions.js'

@Controller('orders')
export class OrdersController {
  #count = 0

  constructor (private readonly channels: Channels, private readonly sessions: Sessions) {}

  /** Places an order; every page of its user receives it. */
  @Post()
  @HttpCode(201)
  async place (@Headers('cookie') cookie: string | undefined, @Body('item') item: unknown): Promise<{ order: number, id: string }> {
    const user = this.sessions.userOf(cookie)
    if (user === undefined) throw new UnauthorizedException()
    const order = ++this.#count
    const { id } = await this.channels.registry.publish(`orders:${user}`, { order, item: String(item).slice(0, 40) })
    return { order, id }
  }
}
