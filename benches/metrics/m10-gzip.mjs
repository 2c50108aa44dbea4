export const metric = 'M10'
export const title = 'gzip of a body, against zlib 6 on random ids'

export const missing = 'the SDK does not compress yet'
