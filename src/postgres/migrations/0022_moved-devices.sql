-- A device that is moved to another site is told to the owner of its twin, registered or not.

create trigger device_moved before update of site on device
for each row when (new.site is distinct from old.site) execute function note_registration();
comment on column device.site is
  'The site that may speak as this device: the one authority for it. Change it here, and the twin follows within seconds.';
comment on column device.registered_in is
  'The transaction that registered it, moved it to another site, or changed what is registered of it: owners ask what came since they asked last. Null for one of which nothing of that is so, or was before there was this column.';
