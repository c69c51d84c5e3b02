-- Devices that were forgotten at an operator's word: nothing of them is kept but this.

create table forgotten (
  partition smallint not null,
  no bigint not null,
  device text collate "C" not null,
  site text not null,
  key integer,
  forgotten_at timestamptz not null,
  asker text not null,
  by text,
  reason text not null,
  erased_at timestamptz,
  lifted_at timestamptz,
  primary key (partition, no)
);
create unique index forgotten_device on forgotten (device) where lifted_at is null;
create index forgotten_unerased on forgotten (forgotten_at) where erased_at is null;
comment on table forgotten is
  'Journal: devices that were forgotten. What still comes of one is refused until somebody registers it: insert into device with registered = true.';
comment on column forgotten.no is 'Number in the journal of the partition, shared with transition, outcome and dead_letter.';
comment on column forgotten.key is 'What other tables called it; null where it had no row any more.';
comment on column forgotten.asker is 'Who asked, proved: http:<name of the token>.';
comment on column forgotten.by is 'On whose behalf, as the caller wrote it.';
comment on column forgotten.erased_at is
  'When the last of its history was erased from this database; null while that is under way. Its twin, its place in the inventory and its
   snapshot went with the commit of this row.';
comment on column forgotten.lifted_at is 'When it was registered again: it begins anew, and is refused no longer.';

create function lift_forgetting() returns trigger
language plpgsql as $$
begin
  update forgotten set lifted_at = now() where device = new.id and lifted_at is null;
  return new;
end $$;

comment on function lift_forgetting is 'Whoever registers a device wants it: what it says is taken again.';

create trigger device_known_again before insert or update of registered on device
for each row when (new.registered) execute function lift_forgetting();
