/**
 * Dates as files of ratings write them, in seconds since 1970. A date without an offset is taken as UTC, never in the zone
 * of the machine. What has two readings, such as 01/12/2020, is none.
 */
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const CLOCK = String.raw`(?<h>\d{1,2}):(?<min>\d{2})(?::(?<s>\d{2}(?:[.,]\d+)?))?`;
const ZONE = String.raw`(?<zone>z|utc|gmt|[+-]\d{2}(?::?\d{2})?)?`;
const DAY = String.raw`(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?`;
const FORMS = [
  // 2020-12-31, 2020/12/31 23:59, 2020-12-31T23:59:59.5+01:00
  String.raw`(?<y>\d{4})(?<sep>[-/.])(?<m>\d{1,2})\k<sep>(?<d>\d{1,2})(?:(?:t|\s+)${CLOCK}\s*${ZONE})?`,
  // Thu Dec 31 23:59:59 +0100 2020, Dec 31 2020
  String.raw`${DAY}(?<mon>[a-z]{3})[a-z]*\.?\s+(?<d>\d{1,2})\s+(?:${CLOCK}\s+(?:${ZONE}\s+)?)?(?<y>\d{4})`,
  // December 31, 2020
  String.raw`${DAY}(?<mon>[a-z]{3})[a-z]*\.?\s+(?<d>\d{1,2}),\s*(?<y>\d{4})(?:,?\s+${CLOCK}\s*${ZONE})?`,
  // Thu, 31 Dec 2020 23:59:59 GMT, 31-Dec-2020
  String.raw`${DAY}(?<d>\d{1,2})[\s-](?<mon>[a-z]{3})[a-z]*\.?[\s-](?<y>\d{4})(?:\s+${CLOCK}\s*${ZONE})?`,
].map((form) => new RegExp(`^${form}$`, 'i'));

/** Seconds since 1970 in UTC, or NaN if the text is no date, or no day that exists. */
export function parseTime(text: string): number {
  const trimmed = text.trim();
  for (const form of FORMS) {
    const found = form.exec(trimmed)?.groups;
    if (found === undefined) continue;
    const { y, m, mon, d, h = '0', min = '0', s = '0', zone = 'z' } = found;
    const month = m === undefined ? MONTHS.indexOf(mon.toLowerCase()) : Number(m) - 1;
    const days = Date.UTC(Number(y), month, Number(d)) / 86_400_000;
    const seconds = Number(s.replace(',', '.'));
    const back = new Date(days * 86_400_000);
    const isDay = month >= 0 && back.getUTCMonth() === month && back.getUTCDate() === Number(d) && Number(y) >= 100;
    if (!isDay || Number(h) > 23 || Number(min) > 59 || seconds >= 61) return NaN;
    return days * 86_400 + Number(h) * 3600 + Number(min) * 60 + seconds - offsetOf(zone);
  }
  return NaN;
}

/** Seconds that a zone is ahead of UTC; NaN for one that does not exist. */
function offsetOf(zone: string): number {
  if (/^[a-z]/i.test(zone)) return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || 0);
  if (hours > 15 || minutes > 59) return NaN;
  return (zone[0] === '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}
