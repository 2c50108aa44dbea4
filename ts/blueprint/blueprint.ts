import { TaximeterError } from '../errors'
import type { Price } from '../price/types'
import type { DodoMeter, Json, Meter, UsageEvent } from '../types'

/** A member of an event's `data`. */
export interface Field {
  /** `integer` and `number` are quantities, and may be written as a text of digits too: so are large and exact ones. */
  readonly type: 'text' | 'integer' | 'number' | 'boolean'
  /** Every event has it. */
  readonly required?: true
  readonly about: string
}

type Fields = Record<string, Field>
type Value<Type> = Type extends 'text' ? string : Type extends 'boolean' ? boolean : number | string
type Required<F extends Fields> = { [K in keyof F]: F[K] extends { required: true } ? K : never }[keyof F]

/** What the builder of events takes: the members, and any others as dimensions. */
export type DataOf<F extends Fields> = { [K in Required<F>]: Value<F[K]['type']> } & {
  [K in Exclude<keyof F, Required<F>>]?: Value<F[K]['type']> | undefined
} & { [dimension: string]: Json | undefined }

/** What a meter does with a member; its slug is the name it is listed under. */
export interface MeterOf<Name extends string> {
  readonly aggregation: Meter['aggregation']
  /** The member that is aggregated; none for COUNT. */
  readonly of?: Name
  readonly groupBy?: readonly Name[]
  readonly description?: string
  /** A label for Dodo. */
  readonly unit?: string
}

/** What a blueprint is made of. */
export interface BlueprintDefinition<F extends Fields, M extends string> {
  readonly name: string
  readonly about: string
  /** The events' `type`. */
  readonly eventType: string
  readonly fields: F
  readonly meters: Record<M, MeterOf<keyof F & string>>
  /** A meter's slug → what a unit of it could cost. */
  readonly prices?: { readonly [Slug in M]?: Price }
}

/** Other names: of the events, and of members of `data`. */
export interface Names {
  readonly eventType?: string
  readonly fields?: Readonly<Record<string, string>>
}

/** An event's structure, what builds it, and the meters that count it, all from one definition. */
export interface Blueprint<F extends Fields = Fields, M extends string = string> {
  readonly name: string
  readonly about: string
  readonly eventType: string
  readonly fields: F
  /** For OpenMeter, and for previews. */
  readonly meters: Meter[]
  /** For Dodo Payments, which has neither groups nor AVG, MIN and UNIQUE_COUNT: what it cannot count is left out. */
  readonly dodoMeters: DodoMeter[]
  /** An example: `new Taximeter({ prices: { meters: blueprint.prices } })`. */
  readonly prices: { [Slug in M]?: Price }
  /**
   * An event, for `record()`. Throws `invalid_event` with the path for a member that is missing or of another type; within
   * `record(() => …)` that is given back like any other error.
   */
  event(subject: string, data: DataOf<F>, more?: Pick<UsageEvent, 'id' | 'time' | 'source'>): UsageEvent
  /** The same under other names, e.g. those that meters have already. */
  as(names: Names): Blueprint<Fields, M>
}

/**
 * A blueprint of your own.
 *
 * @example
 * const translation = blueprint({
 *   name: 'translation', about: 'texts that are translated', eventType: 'translate',
 *   fields: { model: { type: 'text', required: true, about: 'who translates' }, words: { type: 'integer', about: 'of the text' } },
 *   meters: { words_total: { aggregation: 'SUM', of: 'words', groupBy: ['model'] } },
 * })
 * meter.record(translation.event('customer-1', { model: 'gpt-4', words: 6912 }))
 */
export function blueprint<const F extends Fields, const M extends string>(
  definition: BlueprintDefinition<F, M>,
): Blueprint<F, M> {
  return named(definition, {})
}

function named<F extends Fields, M extends string>(
  definition: BlueprintDefinition<F, M>,
  names: Names,
): Blueprint<F, M> {
  const { name, about, fields, prices = {} } = definition
  const eventType = names.eventType ?? definition.eventType
  const as = (field: string) => names.fields?.[field] ?? field
  const meters = Object.entries<MeterOf<keyof F & string>>(definition.meters)
  return {
    name,
    about,
    eventType,
    fields: Object.fromEntries(Object.entries(fields).map(([field, of]) => [as(field), of])) as F,
    prices: prices as { [Slug in M]?: Price },
    meters: meters.map(([slug, { aggregation, of, groupBy, description }]) => ({
      slug,
      ...(description !== undefined && { description }),
      eventType,
      aggregation,
      ...(of !== undefined && { valueProperty: `$.${as(of)}` }),
      ...(groupBy !== undefined && { groupBy: Object.fromEntries(groupBy.map((f) => [as(f), `$.${as(f)}`])) }),
    })),
    dodoMeters: meters.flatMap(([slug, { aggregation, of, description, unit }]) => {
      const type = DODO[aggregation]
      if (type === undefined) return []
      return {
        name: slug,
        ...(description !== undefined && { description }),
        event_name: eventType,
        aggregation: { type, ...(of !== undefined && { key: as(of) }) },
        measurement_unit: unit ?? 'units',
      }
    }),
    event(subject, data, more = {}) {
      for (const [field, { type, required }] of Object.entries(fields)) {
        const value = data[as(field)]
        if (value === undefined ? required : !isOf(type, value)) {
          throw new TaximeterError('invalid_event', `an event of ${name} has another ${as(field)}`, {
            path: `data.${as(field)}`,
            help: `give ${EXPECTED[type]}: ${fields[field]?.about}`,
          })
        }
      }
      return { type: eventType, subject, data, ...more }
    },
    as: (other) =>
      named(definition, {
        eventType: other.eventType ?? eventType,
        fields: { ...names.fields, ...other.fields },
      }) as Blueprint<Fields, M>,
  }
}

const DODO: Partial<Record<Meter['aggregation'], DodoMeter['aggregation']['type']>> = {
  COUNT: 'count',
  SUM: 'sum',
  MAX: 'max',
  LATEST: 'last',
}

const EXPECTED: Record<Field['type'], string> = {
  text: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
}

function isOf(type: Field['type'], value: unknown): boolean {
  if (type === 'text') return typeof value === 'string'
  if (type === 'boolean') return typeof value === 'boolean'
  if (typeof value === 'string') return type === 'integer' ? /^-?\d+$/.test(value) : /^-?\d+(\.\d+)?$/.test(value)
  return type === 'integer' ? Number.isInteger(value) : Number.isFinite(value)
}
