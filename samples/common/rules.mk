# Builds $(SAMPLE).elf of $(OBJECTS) with linker.ld. The paths in the debug information are relative to the sample's folder
# and nothing else of the machine gets in, so the same compiler gives the same bytes anywhere.
CC = gcc
CPPFLAGS = -I../common
CFLAGS = -m32 -march=i386 -std=gnu11 -O1 -g -gdwarf-5 -ffreestanding -fno-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none -mno-sse -mno-mmx -mno-80387 -msoft-float \
	-ffile-prefix-map=$(CURDIR)=. -fno-record-gcc-switches -gno-record-gcc-switches -Wall -Wextra -Werror
LDFLAGS = -m32 -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=0x1000 -Wl,-z,noexecstack

vpath %.c ../common
vpath %.S ../common

$(SAMPLE).elf: $(addprefix build/,$(OBJECTS)) linker.ld
	$(CC) $(LDFLAGS) -T linker.ld -o $@ $(filter %.o,$^)

build/%.o: %.c $(wildcard *.h ../common/*.h) | build
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

build/%.o: %.S $(wildcard *.h ../common/*.h) | build
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

build:
	mkdir -p $@

clean:
	rm -rf build $(SAMPLE).elf

.PHONY: clean
