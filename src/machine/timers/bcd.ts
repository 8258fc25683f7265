/** Binary-coded decimal, four bits a digit: 59 is 0x59. */
export function toBcd(value: number): number {
  let bcd = 0;
  for (let rest = value, shift = 0; rest > 0; rest = Math.floor(rest / 10), shift += 4) bcd |= (rest % 10) << shift;
  return bcd;
}

/** The inverse of {@link toBcd}. A digit above 9 counts as what its bits say. */
export function fromBcd(bcd: number): number {
  let value = 0;
  for (let shift = 12; shift >= 0; shift -= 4) value = value * 10 + ((bcd >> shift) & 0xf);
  return value;
}
