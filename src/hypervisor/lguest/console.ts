import { LGUEST_CONSOLE_DMA_KEY, LGUEST_DMA } from '../../abi/lguest.ts';
import { hex } from '../../util/hex.ts';
import type { LguestGuest } from './guest.ts';

/** LHCALL_NOTIFY for what is no device: the launcher writes the C string there, up to the end of memory (handle_output). */
export function printString(guest: LguestGuest, address: number): void {
  if (address >= guest.memory) return guest.kill(`Bad NOTIFY ${hex(address)}`);
  const rest = guest.host.memory.bytes.subarray(address, guest.memory);
  const end = rest.indexOf(0);
  print(guest, end < 0 ? rest : rest.subarray(0, end));
}

/** LHCALL_SEND_DMA of 2.6.23: to the console, whose key is 0, or to a device that is not there. */
export function sendDma(guest: LguestGuest, key: number, dma: number): void {
  if (key !== LGUEST_CONSOLE_DMA_KEY) {
    guest.host.reportGap(`lguest: SEND_DMA to key ${hex(key)}: no such device`);
    return;
  }
  const bytes = guest.readBytes(dma, LGUEST_DMA.size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let sent = 0;
  for (let section = 0; section < LGUEST_DMA.sections; section++) {
    const length = view.getUint16(LGUEST_DMA.lengths + section * 2, true);
    if (length === 0) break;
    print(guest, guest.readBytes(view.getUint32(LGUEST_DMA.addresses + section * 4, true), length));
    sent += length;
  }
  if (guest.death === undefined) guest.write32(dma + LGUEST_DMA.usedLength, sent);
}

function print(guest: LguestGuest, bytes: Uint8Array): void {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  if (text !== '') guest.host.print(text);
}
