#ifndef LATE_H
#define LATE_H

void late_module_init(void);

#endif
