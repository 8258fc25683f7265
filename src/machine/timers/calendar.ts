export interface CalendarTime {
  readonly year: number;
  /** 1..12. */
  readonly month: number;
  /** 1..31. */
  readonly day: number;
  /** 1 is Sunday, as in the MC146818. */
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** Seconds from 1970-01-01 00:00:00 UTC to the moment every machine is switched on. */
export const POWER_ON_UNIX_TIME = 1_161_993_600;

const SECONDS_PER_DAY = 86_400;
/** Every machine is switched on at 2006-10-28 00:00:00: days since 0000-03-01 of the proleptic Gregorian calendar. */
const FIRST_DAY = 732_917;
/** 2006-10-28 was a Saturday. */
const FIRST_WEEKDAY = 7;

const DAYS_PER_ERA = 146_097;

/** The date and time `seconds` after power-on; negative before. */
export function calendarAt(seconds: number): CalendarTime {
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const rest = seconds - days * SECONDS_PER_DAY;
  return {
    ...dateOf(FIRST_DAY + days),
    weekday: weekdayOf(days),
    hour: Math.floor(rest / 3600),
    minute: Math.floor(rest / 60) % 60,
    second: rest % 60,
  };
}

/** The inverse of {@link calendarAt}; the weekday is not looked at, and fields out of their range carry over into the next. */
export function secondsOf({ year, month, day, hour, minute, second }: Omit<CalendarTime, 'weekday'>): number {
  const yearFromMarch = year + Math.floor((month - 3) / 12);
  const monthFromMarch = (((month - 3) % 12) + 12) % 12;
  const era = Math.floor(yearFromMarch / 400);
  const yearOfEra = yearFromMarch - era * 400;
  const dayOfYear = Math.floor((153 * monthFromMarch + 2) / 5) + day - 1;
  const dayOfEra = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  const days = era * DAYS_PER_ERA + dayOfEra - FIRST_DAY;
  return days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
}

function weekdayOf(days: number): number {
  return ((((FIRST_WEEKDAY - 1 + days) % 7) + 7) % 7) + 1;
}

/** Years run from March here, so that the leap day is the last of its year (Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
function dateOf(day: number): { readonly year: number; readonly month: number; readonly day: number } {
  const era = Math.floor(day / DAYS_PER_ERA);
  const dayOfEra = day % DAYS_PER_ERA;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}
