import { Module } from '@nestjs/common'
import { Channels } from './channels.js'
import { OrdersController } from './orders.controller.js'
import { Sessions } from './sessions.js'

@Module({ controllers: [OrdersController], providers: [Channels, Sessions] })
export class AppModule {}
