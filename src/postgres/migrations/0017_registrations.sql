-- Which devices were registered since an owner looked last, without reading all of them.

alter table device add column registered_in bigint;
create index device_registered_in on device (registered_in) where registered_in is not null;
comment on column device.registered_in is
  'The transaction that registered it, or changed what is registered of it: owners ask what came since they asked last. Null for one that is not registered, or was before there was this column.';

create function note_registration() returns trigger
language plpgsql as $$
begin
  new.registered_in := txid_current();
  return new;
end $$;

create trigger device_registered before insert or update of registered, kind, site on device
for each row when (new.registered) execute function note_registration();
