"""Seals what stands in clear, in batches; begun and broken off, it goes on where it was."""

import json

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import migrations, transaction

from accounts import sealing
from verifications import search
from verifications.callbacks import provider

BATCH = 500


class Keys:
    """The data keys of the owners of one batch, made where there are none yet."""

    def __init__(self, apps, owners):
        model = apps.get_model('verifications', 'DataKey')
        self.table = model._meta.db_table
        owners = set(owners)
        names, partners = {name for _, name in owners}, {partner for partner, _ in owners}
        rows = model.objects.filter(partner__in=partners, owner__in=names)
        known = {(row.partner_id, row.owner): bytes(row.wrapped) for row in rows}
        fresh = []
        for partner, name in sorted(owners - known.keys()):
            wrapped = sealing.wrap(sealing.new_key(), self._place(partner, name))
            master = sealing.master_of(wrapped)
            fresh.append(model(partner_id=partner, owner=name, wrapped=wrapped, master=master))
            known[partner, name] = wrapped
        model.objects.bulk_create(fresh)
        self.keys = {
            owner: sealing.unwrap(known[owner], self._place(*owner)) for owner in owners
        }

    def _place(self, partner, name):
        return sealing.Place(self.table, 'wrapped', '', str(partner), name)

    def seal(self, owner, row, column, mark, content):
        place = sealing.Place(row._meta.db_table, column, str(mark), str(owner[0]), owner[1])
        return sealing.seal(self.keys[owner], content, place)


def _of(verification):
    return verification.partner_id, f'scan/{verification.scan_ref}'


def _of_delivery(delivery):
    if delivery.verification is None:
        return delivery.partner_id, 'partner'
    return _of(delivery.verification)


def _of_body(body):
    callback = body.callback
    scan_ref = _scan_ref(callback, bytes(body.raw))
    return callback.partner_id, f'scan/{scan_ref}' if scan_ref else f'callback/{callback.pk}'


def _scan_ref(callback, raw):
    try:
        return provider.read(raw, callback.event)['scanRef']
    except provider.Unreadable as refusal:
        return refusal.scan_ref


def _each(apps, rows, owner_of, fields, seal):
    """Batch after batch by key, each in a transaction of its own."""
    last = None
    while True:
        batch = rows.order_by('pk') if last is None else rows.order_by('pk').filter(pk__gt=last)
        batch = list(batch[:BATCH])
        if not batch:
            return
        last = batch[-1].pk
        with transaction.atomic():
            owners = [owner_of(row) for row in batch]
            keys = Keys(apps, owners)
            for row, owner in zip(batch, owners):
                seal(keys, owner, row)
            rows.model.objects.bulk_update(batch, fields)


def seal(apps, schema_editor):
    def model(name):
        return apps.get_model('verifications', name).objects

    def callback_body(keys, owner, row):
        row.owner = owner[1]
        row.sealed = keys.seal(owner, row, 'sealed', row.pk, bytes(row.raw))
        row.raw = b''

    def raw(keys, owner, row):
        row.sealed = keys.seal(owner, row, 'sealed', row.pk, bytes(row.raw))
        row.raw = b''

    def texts(keys, owner, row):
        told = json.dumps([row.message_to_applicant, row.internal_note]).encode()
        row.sealed = keys.seal(owner, row, 'sealed', row.pk, told)
        row.message_to_applicant = row.internal_note = ''

    def note(keys, owner, row):
        row.sealed = keys.seal(owner, row, 'sealed', row.request_key, row.text.encode())
        row.text = ''

    def photo(keys, owner, row):
        if row.state != 'stored' and row.source:
            source = row.source.encode()
            row.sealed_source = keys.seal(owner, row, 'sealed_source', row.kind, source)
        row.source = ''
        if row.state == 'stored' and not row.file_name.endswith('.sealed'):
            _seal_file(keys, owner, row)

    def number(keys, owner, row):
        secret = keys.keys[owner]
        plain = search.plain_number(row.document_number)
        row.number_hash = sealing.keyed_hash(secret, plain) if plain else ''
        row.document_number = ''

    _each(apps, model('CallbackBody').filter(sealed=None).select_related('callback'),
          _of_body, ['owner', 'sealed', 'raw'], callback_body)
    _each(apps, model('DeliveryBody').filter(sealed=None).select_related('delivery__verification'),
          lambda row: _of_delivery(row.delivery), ['sealed', 'raw'], raw)
    _each(apps, model('AttemptAnswer').filter(sealed=None)
          .select_related('attempt__delivery__verification'),
          lambda row: _of_delivery(row.attempt.delivery), ['sealed', 'raw'], raw)
    _each(apps, model('DecisionText').filter(sealed=None).select_related('decision__verification'),
          lambda row: _of(row.decision.verification),
          ['sealed', 'message_to_applicant', 'internal_note'], texts)
    _each(apps, model('Note').filter(sealed=None).select_related('verification'),
          lambda row: _of(row.verification), ['sealed', 'text'], note)
    _each(apps, model('Photo').select_related('verification'),
          lambda row: _of(row.verification), ['sealed_source', 'source', 'file_name'], photo)
    _each(apps, model('Verification').exclude(document_number='').only('partner_id', 'document_number'),
          lambda row: (row.partner_id, 'search'), ['number_hash', 'document_number'], number)


def _seal_file(keys, owner, row):
    """Beside the clear one, which goes when the row that names the sealed one is committed."""
    storage, clear = storages['photos'], row.file_name
    try:
        with storage.open(clear) as file:
            content = file.read()
    except FileNotFoundError:
        return
    sealed = ContentFile(keys.seal(owner, row, 'file', row.kind, content))
    row.file_name = storage.save(clear.rpartition('.')[0] + '.sealed', sealed)
    transaction.on_commit(lambda: storage.delete(clear))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('verifications', '0010_data_keys'),
    ]

    operations = [
        migrations.RunPython(seal, migrations.RunPython.noop, elidable=True),
    ]
