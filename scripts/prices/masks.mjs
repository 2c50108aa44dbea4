// Regexes of a price book to masks: an engine for regexes would be larger than all of the core.
//
// A mask is a text in which `#` stands for one digit. `eqm` is a whole name, `swm` how it begins; without a `#` they are
// `eq` and `sw`. A regex of a shape that is not known here is refused, so that none is ever taken for what it is not.

/** A match of the source, with masks instead of its regexes. */
export function masked(match) {
  const or = [...(match.or ?? []).map(masked), ...(match.re === undefined ? [] : matchesOf(match.re))]
  const { re: _, or: __, ...rest } = match
  if (rest.and) rest.and = rest.and.map(masked)
  if (or.length === 0) return rest
  const flat = or.flatMap((one) => (Object.keys(one).join() === 'or' ? one.or : [one]))
  if (flat.length === 1 && Object.keys(rest).length === 0) return flat[0]
  return { ...rest, or: flat }
}

/** The matches that one regex comes to; any of them will do. */
export function matchesOf(re) {
  // "No segment -tts."
  if (re === '^(?!.*-[tT][tT][sS](?:$|-))') return [{ not: { or: [{ ew: '-tts' }, { ct: '-tts-' }] } }]
  const noVendor = '^(?![^/]+/)'
  if (re.startsWith(noVendor)) {
    return [{ and: [{ not: { ct: '/' } }, { or: matchesOf(`^${re.slice(noVendor.length)}`) }] }]
  }
  if (!re.startsWith('^')) throw new Error(`this regex has no known shape: ${re}`)
  const whole = re.endsWith('$')
  return expand(re.slice(1, whole ? -1 : undefined)).map((mask) => {
    const key = whole ? 'eq' : 'sw'
    return { [mask.includes('#') ? `${key}m` : key]: mask }
  })
}

/** All texts that a regex of letters, `\d`, classes, groups and `?` stands for. */
function expand(re) {
  let at = 0
  const known = (condition) => {
    if (!condition) throw new Error(`this regex has no known shape: ${re}`)
  }
  const alternatives = () => {
    let all = []
    let heads = ['']
    while (at < re.length && re[at] !== ')') {
      if (re[at] === '|') {
        at += 1
        all = all.concat(heads)
        heads = ['']
        continue
      }
      let parts = atom()
      if (re[at] === '{') {
        const [text, count] = /^\{(\d+)\}/.exec(re.slice(at)) ?? []
        known(text)
        at += text.length
        parts = parts.map((part) => part.repeat(Number(count)))
      } else if (re[at] === '?') {
        at += 1
        parts = [...parts, '']
      }
      heads = heads.flatMap((head) => parts.map((part) => head + part))
    }
    return all.concat(heads)
  }
  const atom = () => {
    const letter = re[at++]
    if (letter === '(') {
      if (re.startsWith('?:', at)) at += 2
      const inner = alternatives()
      known(re[at++] === ')')
      return inner
    }
    if (letter === '[') {
      const end = re.indexOf(']', at)
      const letters = re.slice(at, end)
      known(end > at && /^[\w@-]+$/.test(letters) && !/\w-\w/.test(letters))
      at = end + 1
      return [...letters]
    }
    if (letter === '\\') {
      const escaped = re[at++]
      known(escaped === 'd' || /\W/.test(escaped))
      return [escaped === 'd' ? '#' : escaped]
    }
    known(!/[*+.^$#?{}]/.test(letter))
    return [letter]
  }
  const all = alternatives()
  known(at === re.length)
  return all
}
