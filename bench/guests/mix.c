/* What compiled code does: sorting, a checksum, a linked list, indirect calls and divisions. */
static unsigned values[4096];
static struct node {
  struct node *next;
  unsigned value;
} nodes[1024];
static unsigned seed = 12345;

static unsigned next_random(void) {
  seed = seed * 1103515245u + 12345u;
  return seed >> 8;
}
static void sort(unsigned *from, unsigned *to) {
  while (from < to) {
    unsigned pivot = from[(to - from) / 2], *i = from, *j = to;
    while (i <= j) {
      while (*i < pivot) i++;
      while (*j > pivot) j--;
      if (i <= j) {
        unsigned swapped = *i;
        *i++ = *j;
        *j-- = swapped;
      }
    }
    sort(from, j);
    from = i;
  }
}
static unsigned checksum(const unsigned char *bytes, unsigned length) {
  unsigned crc = ~0u;
  for (unsigned n = 0; n < length; n++) {
    crc ^= bytes[n];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}
static unsigned add(unsigned a, unsigned b) { return a + b; }
static unsigned divide(unsigned a, unsigned b) { return a / (b | 1); }
static unsigned (*const operations[])(unsigned, unsigned) = {add, divide};

unsigned mix(unsigned turns) {
  unsigned total = 0;
  while (turns--) {
    for (unsigned n = 0; n < 4096; n++) values[n] = next_random();
    sort(values, values + 4095);
    total += checksum((const unsigned char *)values, 4096);
    for (unsigned n = 0; n < 1024; n++) {
      nodes[n].next = n ? &nodes[n - 1] : 0;
      nodes[n].value = values[n];
    }
    for (struct node *node = &nodes[1023]; node; node = node->next) total = operations[node->value & 1](total, node->value);
  }
  return total;
}
