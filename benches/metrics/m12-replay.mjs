export const metric = 'M12'
export const title = 'replay of 10⁶ events from a file, with full validation, against DuckDB, chdb and JavaScript'

export const missing = 'the SDK does not read files or streams of events yet'
