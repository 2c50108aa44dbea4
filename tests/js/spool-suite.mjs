/** What every spool does: stories that are told to each of them, in Node or in a page. */

export const SINK = 'http://127.0.0.1:1/api/v1/events'

export const event = (seq, text = `{"n":${seq},"é":"€"}`) => ({
  do: 'event',
  seq,
  timeMs: 1_795_226_400_000 + seq,
  id: `id "${seq}" é`,
  bytes: new TextEncoder().encode(text),
})

const left = (seq, more) => ({ seq, id: `id "${seq}" é`, text: `{"n":${seq},"é":"€"}`, ...more })

/** What is written, in one piece or several, and what of it is left for the next process. */
export const stories = [
  {
    title: 'events wait in order',
    writes: [[event(1), event(2)], [event(3)]],
    want: { lastSeq: 3, events: [left(1), left(2), left(3)] },
  },
  {
    title: 'what is settled is gone',
    writes: [[event(1), event(2), event(3)], [{ do: 'settled', seqs: [1, 1, 3, 3] }]],
    want: { lastSeq: 2, events: [left(2)] },
  },
  {
    title: 'with nothing left, numbers begin anew',
    writes: [[event(1)], [{ do: 'settled', seqs: [1, 1] }]],
    want: { lastSeq: 0, events: [] },
  },
  {
    title: 'what comes after nothing was left',
    writes: [[event(1)], [{ do: 'settled', seqs: [1, 1] }], [event(2)]],
    want: { lastSeq: 2, events: [left(2)] },
  },
  {
    title: 'a request without an outcome may have arrived',
    writes: [[event(1), event(2)], [{ do: 'sent', at: 7, seqs: [1, 1] }]],
    want: { lastSeq: 2, events: [left(1, { ambiguousAt: 7 }), left(2)] },
  },
  {
    title: 'one that is known not to have arrived has not',
    writes: [[event(1)], [{ do: 'sent', at: 7, seqs: [1, 1] }], [{ do: 'returned', seqs: [1, 1] }]],
    want: { lastSeq: 1, events: [left(1)] },
  },
  {
    title: 'the first time that it may have arrived counts',
    writes: [
      [event(1)],
      [
        { do: 'returned', seqs: [1, 1] },
        { do: 'ambiguous', at: 7, seqs: [1, 1] },
      ],
      [
        { do: 'ambiguous', at: 9, seqs: [1, 1] },
        { do: 'sent', at: 11, seqs: [1, 1] },
      ],
    ],
    want: { lastSeq: 1, events: [left(1, { ambiguousAt: 7 })] },
  },
  {
    title: 'quarantine stays quarantine',
    writes: [[event(1), event(2)], [{ do: 'quarantined', seq: 1, code: 'rejected', status: 400, text: 'no' }]],
    want: { lastSeq: 2, events: [left(1, { code: 'rejected' }), left(2)] },
  },
  {
    title: 'what is released is pending under another number',
    writes: [
      [event(1), event(2)],
      [{ do: 'quarantined', seq: 1, code: 'rejected' }],
      [{ do: 'released', seq: 1, as: 3 }],
    ],
    want: { lastSeq: 3, events: [left(2), { ...left(1), seq: 3 }] },
  },
  {
    title: 'what is settled takes no room',
    writes: Array.from({ length: 40 }, (_, i) => [
      event(2 * i + 1, 'x'.repeat(20_000)),
      { do: 'settled', seqs: [2 * i + 1, 2 * i + 1] },
      ...(i === 0 ? [event(2)] : []),
    ]),
    want: { lastSeq: 2, events: [left(2)] },
  },
]

/** Tells a story; gives what is found before it, after it, and once more: opening changes nothing. */
export async function tell(make, { writes }) {
  const found = []
  for (const some of [writes, [], []]) {
    const log = []
    let left = { events: [], lastSeq: 0, corrupt: 0 }
    const holder = {
      inherit(given) {
        left = given
        log.push(...given.events.flatMap(entriesOf))
        return given.events.map(({ seq }) => seq)
      },
      lose: (seqs) => found.push({ lost: seqs }),
      entries: () => log,
      leave() {},
    }
    const spool = make()
    left = (await spool.open(SINK, holder)) ?? left
    found.push(plain(left))
    for (const entries of some) {
      log.push(...entries)
      await spool.write(entries)
    }
    await spool.close()
  }
  return found
}

/** What {@link tell} is to find. */
export const wanted = ({ want }) => [
  { lastSeq: 0, corrupt: 0, events: [] },
  { corrupt: 0, ...want },
  { corrupt: 0, ...want },
]

const entriesOf = ({ seq, id, timeMs, bytes, ambiguousAt, reason }) => [
  { do: 'event', seq, id, timeMs, bytes },
  ...(ambiguousAt === undefined ? [] : [{ do: 'ambiguous', at: ambiguousAt, seqs: [seq, seq] }]),
  ...(reason === undefined ? [] : [{ do: 'quarantined', seq, ...reason }]),
]

const plain = ({ events, lastSeq, corrupt }) => ({
  lastSeq,
  corrupt,
  events: events.map(({ seq, id, bytes, ambiguousAt, reason }) => ({
    seq,
    id,
    text: new TextDecoder().decode(bytes),
    ...(ambiguousAt !== undefined && { ambiguousAt }),
    ...(reason && { code: reason.code }),
  })),
})
