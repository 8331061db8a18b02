"""The methods of ContactsService about contacts and lists (contract rows Z-48, Z-49, C-11, section D)."""

from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from zidimail.v1 import contacts_service_pb2 as pb

from server.clock import Clock
from server.contacts import counts, lists, send_store, store
from server.contacts.contact import ContactRow
from server.contacts.faults import ContactListNotFound, ContactNotFound
from server.contacts.files import FileReader
from server.contacts.import_requests import file_of, first_rows, import_message, target_of
from server.contacts.import_rules import Rows, entry
from server.contacts.imports import Importer
from server.contacts.requests import (
    changes_of,
    check_list_id,
    id_or_email,
    list_changes,
    named,
    new_contact,
    new_list,
    search_of,
)
from server.contacts.sheets import Sheets
from server.contacts.to_proto import contact_message, list_message, quota_message
from server.db.database import Database
from server.db.listing import Page, PageRequest
from server.db.writer import Writer
from server.faults import ValidationFailed, Violation
from server.wire.caller import current_caller
from server.wire.interceptors import Context
from server.wire.paging import page_fields, page_request
from server.work.notifier import Notifier
from server.work.slices import Slices

T = TypeVar("T")


class ContactsServicer:
    """The organisation's contacts and their lists; `events_appended` is notified after each commit."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        events_appended: Notifier,
        sheets: Sheets,
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._events_appended = events_appended
        self._importer = Importer(database, writer, clock, events_appended)
        self._files = FileReader()
        self._sheets = sheets
        self._slices = Slices()

    async def CreateContact(
        self, request: pb.CreateContactRequest, context: Context
    ) -> pb.CreateContactResponse:
        """Adds a contact to the organisation and to lists."""
        address, changes, list_ids = new_contact(request)
        row = await self._change(store.create, address, changes, list_ids)
        return pb.CreateContactResponse(contact=contact_message(row))

    async def GetContact(self, request: pb.GetContactRequest, context: Context) -> pb.GetContactResponse:
        """One contact, by its id or its address."""
        name, list_id = id_or_email(request.id_or_email), _list_of(request)
        row = await self._database.read(store.show, current_caller().org_id, name, list_id)
        if row is None:
            raise ContactNotFound(request.id_or_email)
        return pb.GetContactResponse(contact=contact_message(row))

    async def ListContacts(
        self, request: pb.ListContactsRequest, context: Context
    ) -> pb.ListContactsResponse:
        """A page of contacts, newest first."""
        criteria = store.Filter(
            search_of(request.search),
            _list_of(request),
            request.unsubscribed if request.HasField("unsubscribed") else None,
        )
        asked = page_request(request)
        page = await self._page(criteria, asked)
        return pb.ListContactsResponse(data=map(contact_message, page.rows), **page_fields(page, asked))

    async def UpdateContact(
        self, request: pb.UpdateContactRequest, context: Context
    ) -> pb.UpdateContactResponse:
        """Changes a contact."""
        name, list_id, changes = id_or_email(request.id_or_email), _list_of(request), changes_of(request)
        row = await self._change(store.change, name, list_id, changes)
        if row is None:
            raise ContactNotFound(request.id_or_email)
        return pb.UpdateContactResponse(contact=contact_message(row))

    async def DeleteContact(
        self, request: pb.DeleteContactRequest, context: Context
    ) -> pb.DeleteContactResponse:
        """Deletes a contact with its memberships."""
        ids = await self._change(store.remove, [id_or_email(request.id_or_email)])
        if not ids:
            raise ContactNotFound(request.id_or_email)
        return pb.DeleteContactResponse(id=ids[0], deleted=True)

    async def BatchRemoveContacts(
        self, request: pb.BatchRemoveContactsRequest, context: Context
    ) -> pb.BatchRemoveContactsResponse:
        """Deletes up to 1,000 contacts with their memberships."""
        names = named("contacts", request.contacts)
        ids = await self._change(store.remove, names)
        return pb.BatchRemoveContactsResponse(deleted_count=len(ids))

    async def GetContactQuota(
        self, request: pb.GetContactQuotaRequest, context: Context
    ) -> pb.GetContactQuotaResponse:
        """The numbers of contacts and lists, and their limits."""
        limits, used = await self._database.read(counts.quota, current_caller().org_id)
        return pb.GetContactQuotaResponse(quota=quota_message(limits, used))

    async def CreateContactList(
        self, request: pb.CreateContactListRequest, context: Context
    ) -> pb.CreateContactListResponse:
        """Creates a list without members."""
        org_id, now_ms = current_caller().org_id, self._clock.now_ms()
        row = await self._writer.run(lists.create, org_id, *new_list(request), now_ms)
        return pb.CreateContactListResponse(contact_list=list_message(row))

    async def ListContactLists(
        self, request: pb.ListContactListsRequest, context: Context
    ) -> pb.ListContactListsResponse:
        """A page of lists, newest first."""
        org_id, asked, search = current_caller().org_id, page_request(request), search_of(request.search)
        contact_id = None
        if request.HasField("id_or_email"):
            contact = await self._database.read(store.get, org_id, id_or_email(request.id_or_email))
            if contact is None:
                raise ContactNotFound(request.id_or_email)
            contact_id = contact.id
        page = await self._database.read(lists.page, org_id, search, contact_id, asked)
        return pb.ListContactListsResponse(data=map(list_message, page.rows), **page_fields(page, asked))

    async def GetContactList(
        self, request: pb.GetContactListRequest, context: Context
    ) -> pb.GetContactListResponse:
        """One list."""
        row = await self._database.read(lists.get, current_caller().org_id, check_list_id(request.id))
        if row is None:
            raise ContactListNotFound(request.id)
        return pb.GetContactListResponse(contact_list=list_message(row))

    async def UpdateContactList(
        self, request: pb.UpdateContactListRequest, context: Context
    ) -> pb.UpdateContactListResponse:
        """Changes the name or the description of a list."""
        org_id, id, values = current_caller().org_id, check_list_id(request.id), list_changes(request)
        row = await self._writer.run(lists.change, org_id, id, values)
        if row is None:
            raise ContactListNotFound(id)
        return pb.UpdateContactListResponse(contact_list=list_message(row))

    async def DeleteContactList(
        self, request: pb.DeleteContactListRequest, context: Context
    ) -> pb.DeleteContactListResponse:
        """Deletes a list; its members stay contacts, and its sends end."""
        org_id, id = current_caller().org_id, check_list_id(request.id)
        if not await self._writer.run(send_store.remove_list, org_id, id, self._clock.now_ms()):
            raise ContactListNotFound(id)
        return pb.DeleteContactListResponse(id=id, deleted=True)

    async def ListContactListMembers(
        self, request: pb.ListContactListMembersRequest, context: Context
    ) -> pb.ListContactListMembersResponse:
        """A page of the members of a list, the newest contacts first."""
        asked = page_request(request)
        criteria = store.Filter(search_of(request.search), check_list_id(request.contact_list_id))
        page = await self._page(criteria, asked)
        return pb.ListContactListMembersResponse(
            data=map(contact_message, page.rows), **page_fields(page, asked)
        )

    async def AddContactListMembers(
        self, request: pb.AddContactListMembersRequest, context: Context
    ) -> pb.AddContactListMembersResponse:
        """Makes up to 1,000 contacts members of a list."""
        list_id = check_list_id(request.contact_list_id)
        names = named("members", request.members)
        _, added = await self._change(store.add_members, list_id, names)
        return pb.AddContactListMembersResponse(id=list_id, added_count=added)

    async def AddContactListMember(
        self, request: pb.AddContactListMemberRequest, context: Context
    ) -> pb.AddContactListMemberResponse:
        """Makes one contact a member of a list."""
        list_id = check_list_id(request.contact_list_id)
        names = [id_or_email(request.id_or_email)]
        ids, _ = await self._change(store.add_members, list_id, names)
        return pb.AddContactListMemberResponse(id=ids[0], contact_list_id=list_id)

    async def RemoveContactListMember(
        self, request: pb.RemoveContactListMemberRequest, context: Context
    ) -> pb.RemoveContactListMemberResponse:
        """Removes a member from a list."""
        list_id = check_list_id(request.contact_list_id)
        name = id_or_email(request.id_or_email)
        id = await self._change(store.remove_member, list_id, name)
        if id is None:
            raise ContactNotFound(request.id_or_email)
        return pb.RemoveContactListMemberResponse(id=id, deleted=True)

    async def ImportContacts(
        self, request: pb.ImportContactsRequest, context: Context
    ) -> pb.ImportContactsResponse:
        """Imports rows."""
        target = target_of(current_caller().org_id, request)
        if not request.contacts:
            raise ValidationFailed([Violation("contacts", "is required: 1 or more rows")])
        number = len(request.contacts)
        found = await self._slices.map(lambda row: entry(row.email.strip(), row.name), request.contacts)
        rows = Rows(number, number, [each for each in found if each is not None])
        outcome = await self._importer.run(target, rows)
        return pb.ImportContactsResponse(contact_import=import_message(target, rows, outcome))

    async def ImportContactsFile(
        self, requests: AsyncIterator[pb.ImportContactsFileRequest], context: Context
    ) -> pb.ImportContactsFileResponse:
        """Imports a file."""
        content, asked = await file_of(requests)
        target = target_of(current_caller().org_id, asked)
        rows = await self._files.rows(content, first_rows(asked))
        outcome = await self._importer.run(target, rows)
        return pb.ImportContactsFileResponse(contact_import=import_message(target, rows, outcome))

    async def ImportContactsSheet(
        self, request: pb.ImportContactsSheetRequest, context: Context
    ) -> pb.ImportContactsSheetResponse:
        """Imports a Google Sheet."""
        target, most = target_of(current_caller().org_id, request), first_rows(request)
        rows = await self._files.rows(await self._sheets.fetch(request.url), most)
        outcome = await self._importer.run(target, rows)
        return pb.ImportContactsSheetResponse(contact_import=import_message(target, rows, outcome))

    async def _change(self, act: Callable[..., T], *args: object) -> T:
        """Runs an act of the store on contacts of the caller, whose events are read afterwards."""
        result = await self._writer.run(act, current_caller().org_id, *args, self._clock.now_ms())
        self._events_appended.notify()
        return result

    async def _page(self, criteria: store.Filter, asked: PageRequest) -> Page[ContactRow]:
        org_id = current_caller().org_id
        if criteria.search:
            return await self._database.search(org_id, store.page, org_id, criteria, asked)
        return await self._database.read(store.page, org_id, criteria, asked)


def _list_of(
    request: pb.GetContactRequest | pb.UpdateContactRequest | pb.ListContactsRequest,
) -> str | None:
    """The list that a request is limited to, None for none. Raises `ContactListNotFound`."""
    return check_list_id(request.contact_list_id) if request.HasField("contact_list_id") else None
