/** xencons_interface (xen/include/public/io/console.h), in bytes from the start of the page; indices run freely, 32 bits. */
export const CONSOLE_RING = {
  input: 0,
  inputSize: 1024,
  output: 1024,
  outputSize: 2048,
  inputConsumer: 3072,
  inputProducer: 3076,
  outputConsumer: 3080,
  outputProducer: 3084,
} as const;

/** xenstore_domain_interface (xen/include/public/io/xs_wire.h). */
export const STORE_RING = {
  request: 0,
  response: 1024,
  size: 1024,
  requestConsumer: 2048,
  requestProducer: 2052,
  responseConsumer: 2056,
  responseProducer: 2060,
  /** Bytes of a message header: type, req_id, tx_id, len. */
  header: 16,
  /** Longest payload (XENSTORE_PAYLOAD_MAX). */
  longestPayload: 4096,
} as const;

/** xsd_sockmsg_type. */
export const STORE_MESSAGE = [
  'CONTROL',
  'DIRECTORY',
  'READ',
  'GET_PERMS',
  'WATCH',
  'UNWATCH',
  'TRANSACTION_START',
  'TRANSACTION_END',
  'INTRODUCE',
  'RELEASE',
  'GET_DOMAIN_PATH',
  'WRITE',
  'MKDIR',
  'RM',
  'SET_PERMS',
  'WATCH_EVENT',
  'ERROR',
  'IS_DOMAIN_INTRODUCED',
  'RESUME',
  'SET_TARGET',
] as const;
export type StoreMessage = (typeof STORE_MESSAGE)[number];
