export function clientText (text: string): string
export function configurationText (schemas: object, metadata: object): string
export function errorsText (errors: object): string
