import { Injectable } from '@nestjs/common'

/** The logged-in user. A real app looks the session up; this one trusts the cookie. */
@Injectable()
export class Sessions {
  userOf (cookie: string | undefined): string | undefined {
    return /(?:^|; )user=([a-z]{1,20})(?:;|$)/.exec(cookie ?? '')?.[1]
  }
}
