# SPDX-License-Identifier: MIT
"""Invariants of pages, translation tables and the read-only view (theorem T3).

They speak of the tables of processes that are built or live; the pages of a dead process may
be taken away in any order, since nothing walks its tables any more.
"""

from __future__ import annotations

from . import descriptor as d
from .invariants import Family, is_alive
from .transition import Reader
from .words import Truth, Word

TABLES = Family()


def kind_of(r: Reader, page: Word) -> Word:
    """Type of the page (enum hv_page_type)."""
    return r.get("page_descs.type", page)


def kind_below(r: Reader, kind: Word) -> Word:
    """Type of the pages that a table of this type names."""
    o, c = r.o, r.c
    return o.ite(kind == c.HV_PAGE_L0, c.HV_PAGE_L1,
                 o.ite(kind == c.HV_PAGE_L1, c.HV_PAGE_L2,
                       o.ite(kind == c.HV_PAGE_L2, c.HV_PAGE_L3, c.HV_PAGE_FRAME)))


def is_table(r: Reader, page: Word) -> Truth:
    """A translation table of a process that is built or lives."""
    c = r.c
    return r.o.and_(
        r.o.among(kind_of(r, page), c.HV_PAGE_L0, c.HV_PAGE_L1, c.HV_PAGE_L2, c.HV_PAGE_L3),
        is_alive(r, r.get("page_descs.owner", page)))


def is_kernels(r: Reader, table: Word, index: Word) -> Truth:
    """One of the two level-0 entries that are not the process's own."""
    return r.o.and_(kind_of(r, table) == r.c.HV_PAGE_L0, r.o.ule(d.VIEW_INDEX, index))


def is_device_leaf(r: Reader, table: Word, index: Word) -> Truth:
    """The entry is one of level 3 and of device memory."""
    return r.o.and_(kind_of(r, table) == r.c.HV_PAGE_L3,
                    (r.get("pages", table, index) & d.ATTR_INDEX) == d.DEVICE_NGNRE)


@TABLES.invariant()
def machine_facts(r: Reader) -> Truth:
    """Page 0 is none. All pages have physical addresses of 48 bits, 4 KiB aligned. The view
    of the kernel's tables starts with a level-1 table in a reserved page. The empty root goes
    with ASID 0, which is nobody's."""
    o, c, base = r.o, r.c, r.get("machine.pages_pa")
    view = r.get("machine.view_pte")
    top = d.page_at(r.state, view)
    return o.and_(kind_of(r, 0) == c.HV_PAGE_RESERVED, (base & (1 << d.PAGE_SHIFT) - 1) == 0,
                  o.ule(base, d.ADDRESS - (c.HV_NPAGE << d.PAGE_SHIFT)),
                  view == d.address(r.state, top) | d.VIEW_TABLE_BITS,
                  o.ult(top, c.HV_NPAGE), r.get("ghost.view_level", top) == 1,
                  o.shr(r.get("machine.empty_root"), 48) == 0)


@TABLES.invariant("page")
def page_types(r: Reader, q: Word) -> Truth:
    """A page has a type; it has an owner exactly if it is not reserved."""
    o, c, owner = r.o, r.c, r.get("page_descs.owner", q)
    return o.and_(o.ule(kind_of(r, q), c.HV_PAGE_CTX), o.ult(owner, c.HV_NPROC),
                  o.iff(kind_of(r, q) == c.HV_PAGE_RESERVED, owner == 0))


@TABLES.invariant("page")
def one_root(r: Reader, q: Word) -> Truth:
    """A process has no level-0 table and no context but its own."""
    o, c, owner = r.o, r.c, r.get("page_descs.owner", q)
    return o.and_(
        o.implies(kind_of(r, q) == c.HV_PAGE_L0, r.get("procs.root", owner) == q),
        o.implies(kind_of(r, q) == c.HV_PAGE_CTX, r.get("procs.ctx", owner) == q))


@TABLES.invariant("page", "entry")
def entry_names_page(r: Reader, t: Word, i: Word) -> Truth:
    """A valid entry names a page of the same owner, of the type below, whose one entry it
    is; its bits are those of a table, or of a leaf. Or it maps a device, and names no page."""
    o, entry, kind = r.o, r.get("pages", t, i), kind_of(r, t)
    page = d.page_at(r.state, entry)
    leaf = o.and_(entry & o.inv(d.ADDRESS | d.LEAF_FREE) == d.LEAF_FIXED,
                  d.names(r.state, entry, page))
    covered = o.and_(is_table(r, t), o.not_(is_kernels(r, t, i)), d.is_valid(o, entry))
    named = o.and_(
        o.ult(page, r.c.HV_NPAGE), kind_of(r, page) == kind_below(r, kind),
        r.get("page_descs.owner", page) == r.get("page_descs.owner", t),
        r.get("ghost.parent", page) == t, r.get("ghost.parent_index", page) == i,
        o.or_(o.and_(kind == r.c.HV_PAGE_L3, leaf),
              o.and_(kind != r.c.HV_PAGE_L3, entry == d.table(r.state, page))))
    device = o.and_(is_device_leaf(r, t, i), o.ule(r.c.HV_NPAGE, page))
    return o.implies(covered, o.or_(named, device))


@TABLES.invariant("page")
def page_is_named(r: Reader, q: Word) -> Truth:
    """A table of level 1 to 3 or a frame of such a process is named by its one entry."""
    o, c = r.o, r.c
    parent, index = r.get("ghost.parent", q), r.get("ghost.parent_index", q)
    entry, owner = r.get("pages", parent, index), r.get("page_descs.owner", q)
    linked = o.and_(is_alive(r, owner), o.among(kind_of(r, q), c.HV_PAGE_L1, c.HV_PAGE_L2,
                                                c.HV_PAGE_L3, c.HV_PAGE_FRAME))
    return o.implies(linked, o.and_(
        o.ult(parent, c.HV_NPAGE), o.ult(index, c.HV_PAGE_WORDS), is_table(r, parent),
        o.not_(is_kernels(r, parent, index)), kind_below(r, kind_of(r, parent)) == kind_of(r, q),
        r.get("page_descs.owner", parent) == owner, d.names(r.state, entry, q)))


@TABLES.invariant("page")
def kernel_entries(r: Reader, q: Word) -> Truth:
    """Level-0 entry 511 names the table itself, as a table; 510 is the view or invalid."""
    o, view = r.o, r.get("pages", q, d.VIEW_INDEX)
    return o.implies(
        o.and_(is_table(r, q), kind_of(r, q) == r.c.HV_PAGE_L0),
        o.and_(r.get("pages", q, d.SELF_INDEX) == d.table(r.state, q),
               o.or_(o.not_(d.is_valid(o, view)), view == r.get("machine.view_pte"))))


@TABLES.invariant("page")
def view_pages(r: Reader, q: Word) -> Truth:
    """The tables of the view are in reserved pages."""
    o, level = r.o, r.get("ghost.view_level", q)
    return o.and_(o.ule(level, 3), o.implies(level != 0, kind_of(r, q) == r.c.HV_PAGE_RESERVED))


@TABLES.invariant("page", "entry")
def view_entries(r: Reader, t: Word, i: Word) -> Truth:
    """Of levels 1 and 2 they name the next, by descriptors that fault as leaves; of level 3
    they map, read-only and never executed, what is no process's page."""
    o, c = r.o, r.c
    level, entry = r.get("ghost.view_level", t), r.get("pages", t, i)
    page = d.page_at(r.state, entry)
    below = o.and_(o.ult(page, c.HV_NPAGE), r.get("ghost.view_level", page) == o.add(level, 1),
                   entry == d.address(r.state, page) | d.VIEW_TABLE_BITS)
    shown = o.and_(entry & o.inv(d.ADDRESS) == d.VIEW_LEAF_BITS,
                   o.or_(o.ule(c.HV_NPAGE, page), kind_of(r, page) == c.HV_PAGE_RESERVED))
    return o.implies(o.and_(level != 0, d.is_valid(o, entry)),
                     o.or_(o.and_(level == 3, shown), o.and_(level != 3, below)))
