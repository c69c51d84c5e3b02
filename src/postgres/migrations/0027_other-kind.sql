-- A device that the inventory gives another kind is told to the owner of its twin, registered or not.

create trigger device_of_other_kind before update of kind on device
for each row when (new.kind is distinct from old.kind) execute function note_registration();
comment on column device.kind is
  'What the device is: the one authority for it. Change it here, and the twin begins anew as that within seconds.';
comment on column device.registered_in is
  'The transaction that registered it, moved it to another site, gave it another kind, or changed what is registered of it: owners ask what came since they asked last. Null for one of which nothing of that is so, or was before there was this column.';
