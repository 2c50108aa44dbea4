/**
 * The names that Dodo's own blueprints have, for meters that were made by them: a blueprint under them is
 * `apiGateway.as(dodoNames.apiGateway)`, and what meters takes them too: `new Taximeter({ llm: dodoNames.llm, storage: dodoNames.objectStorage })`,
 * `apiGateway.hono(meter, { subject, names: dodoNames.apiGateway })`, `stream.session(meter, { subject, names: dodoNames.stream })`,
 * `meter.span({ subject, type: dodoNames.timeRange.eventType, fields: dodoNames.timeRange.fields })`.
 *
 * Source: Dodo's documentation of its ingestion blueprints, 2026-11.
 */
export const dodoNames = {
  llm: {
    eventType: 'llm.chat_completion',
    fields: { input_tokens: 'inputTokens', output_tokens: 'outputTokens', total_tokens: 'totalTokens' },
  },
  apiGateway: {
    eventType: 'api_call',
    fields: { route: 'endpoint', status: 'status_code', duration_ms: 'response_time_ms' },
  },
  objectStorage: { eventType: 'object_storage_upload', fields: {}, uploadsOnly: true },
  stream: { eventType: 'stream_consumption', fields: {} },
  timeRange: {
    eventType: 'time_range_usage',
    fields: { duration_ms: 'durationMs', duration_seconds: 'durationSeconds' },
  },
} as const
