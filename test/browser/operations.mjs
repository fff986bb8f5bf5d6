// Answers of the endpoints for operators after the contract, for pages that are tested or drawn with data of their own.

/** Routes `/-/channels`, `/-/channels/:channel` and `/-/metrics` of a page to `answers`, each left out is left to the service. */
export async function standIn (page, token, { channels, details, metrics }) {
  const answer = async (route, give) => {
    const request = route.request()
    const allowed = request.headers().authorization === `Bearer ${token}`
    if (!allowed) {
      await route.fulfill({ status: 403, json: { statusCode: 403, code: 'MSG_ERR_TOKEN_INVALID', error: 'Forbidden', message: 'Token invalid' } })
      return
    }
    const body = give(new URL(request.url()))
    if (body === undefined) await route.fulfill({ status: 404, json: { statusCode: 404, code: 'MSG_ERR_NOT_FOUND', error: 'Not Found', message: 'Not found' } })
    else if (typeof body === 'string') await route.fulfill({ contentType: 'text/plain; version=0.0.4; charset=utf-8', body })
    else await route.fulfill({ json: body })
  }
  if (channels) {
    await page.route(/\/-\/channels\?/, (route) => answer(route, ({ searchParams }) => {
      const [prefix, limit] = [searchParams.get('prefix') ?? '', Number(searchParams.get('limit') ?? 100)]
      const found = channels().filter(({ channel }) => channel.startsWith(prefix))
      return { channels: found.slice(0, limit), more: found.length > limit }
    }))
  }
  if (details) await page.route(/\/-\/channels\/[^?]+$/, (route) => answer(route, ({ pathname }) => details(decodeURIComponent(pathname.split('/').at(-1)))))
  if (metrics) await page.route(/\/-\/metrics$/, (route) => answer(route, metrics))
}

/** The text of metrics: counters and gauges by name with their values by label, and histograms by their counts. */
export function metricsText (values) {
  return Object.entries(values).flatMap(([name, value]) => {
    if (typeof value === 'number') return [`messenger_${name} ${value}`]
    return Object.entries(value).map(([labels, number]) => `messenger_${name}{${labels}} ${number}`)
  }).join('\n') + '\n'
}
