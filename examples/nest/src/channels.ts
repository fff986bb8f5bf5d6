import { Injectable } from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import type { FastifyInstance } from 'fastify'
import type { ChannelRegistry } from 'fastify-messenger'

/** The channels of the messenger, for controllers and services. */
@Injectable()
export class Channels {
  constructor (private readonly host: HttpAdapterHost) {}

  get registry (): ChannelRegistry {
    return this.host.httpAdapter.getInstance<FastifyInstance>().channels
  }
}
