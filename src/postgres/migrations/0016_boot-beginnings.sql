-- Which boot of a device was the last one to begin before a time, without reading all of them.

create index boot_clock_began on boot_clock (device, (latest_at - latest_up));
