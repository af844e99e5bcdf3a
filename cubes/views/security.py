"""Dimension groups: the list, a group, the values of a dimension in it, and how a cube is secured."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bpp_portal.kernel.roles import Right, require
from cubes import security_members
from cubes.models import Dimension, DimensionGroup, DimensionRule
from cubes.operations import securing
from cubes.rules.security import Access
from cubes.security_queries import cube_security, people_to_choose

from .page import cube_context, open_cube

GRANTED = (("", "All values"), ("any", "Granted"), ("none", "Not granted"), ("read", "Read"), ("edit", "Edit"))
NOTHING_CHOSEN = "Nothing was chosen. Choose from the list, then press the button."


def _group(request: HttpRequest, pk: int) -> DimensionGroup:
    require(request.user, Right.MAINTAIN_SECURITY)
    return get_object_or_404(DimensionGroup, pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def groups(request: HttpRequest) -> HttpResponse:
    """All dimension groups; POST makes one."""
    require(request.user, Right.MAINTAIN_SECURITY)
    problems: list[Any] = []
    name = request.POST.get("name", "")
    if request.method == "POST":
        try:
            made = securing.create_group(actor=request.user, name=name)
            return redirect("dimension-groups:group", made.pk)
        except securing.SecurityRefused as refused:
            problems = refused.problems
    found = DimensionGroup.objects.annotate(size=Count("people", distinct=True)).prefetch_related("rules__dimension")
    context = {"groups": found, "problems": problems, "name": name}
    return render(request, "cubes/security/groups.html", context, status=422 if problems else 200)


@require_safe
@login_required
def group(request: HttpRequest, pk: int) -> HttpResponse:
    """People and dimensions of a group."""
    found = _group(request, pk)
    rules = found.rules.select_related("dimension").annotate(granted=Count("grants")).order_by("dimension__name")
    context = {
        "group": found,
        "people": found.people.order_by("username"),
        "others": people_to_choose(group=found),
        "rules": rules,
        "dimensions": Dimension.objects.exclude(rules__group=found),
        "accesses": list(Access),
    }
    return render(request, "cubes/security/group.html", context)


@require_POST
@login_required
def change_group(request: HttpRequest, pk: int) -> HttpResponse:
    """Add or remove a person or a dimension, change an access, delete the group: what the pressed button says."""
    found = _group(request, pk)
    action, _, value = request.POST.get("action", "").partition(":")
    if action == "delete":
        securing.delete_group(actor=request.user, group=found)
        text = f"The group {found.name} is deleted. Dimensions that no other group names are open to all readers."
        messages.success(request, text)
        return redirect("dimension-groups:list")
    value = value or request.POST.get("value", "")
    if value.isdecimal() and len(value) < 19:
        try:
            change = _change_people if action.endswith("person") else _change_dimensions
            messages.success(request, change(request, found, action, int(value)))
        except securing.SecurityRefused as refused:
            messages.error(request, str(refused))
    else:
        messages.warning(request, NOTHING_CHOSEN)
    return redirect("dimension-groups:group", pk)


def _change_people(request: HttpRequest, group: DimensionGroup, action: str, value: int) -> str:
    joins = action == "add-person"
    people = people_to_choose(group=group) if joins else group.people.all()
    person = next((one for one in people if one.pk == value), None)
    if person is None:
        raise Http404
    act = securing.add_person if joins else securing.remove_person
    act(actor=request.user, group=group, person=person)
    return f"{person} is {'in' if joins else 'no longer in'} {group.name}."


def _change_dimensions(request: HttpRequest, group: DimensionGroup, action: str, value: int) -> str:
    actor = request.user
    if action == "add-dimension":
        dimension = get_object_or_404(Dimension, pk=value)
        securing.add_dimension(actor=actor, group=group, dimension=dimension)
        return f"{dimension.name} is secured: only groups that name it see its values. Nothing is granted yet."
    rule = get_object_or_404(group.rules.select_related("dimension", "group"), pk=value)
    dimension = rule.dimension
    if action == "remove-dimension":
        securing.remove_dimension(actor=actor, rule=rule)
        if dimension.rules.exists():
            return f"{dimension.name} is no longer in {group.name}."
        return f"{dimension.name} is in no group any more: all readers of cubes see all its values."
    wanted = request.POST.get(f"access-{value}", "")
    if action != "access" or wanted not in list(Access):
        raise Http404
    securing.set_access(actor=actor, rule=rule, access=Access(wanted))
    return f"{dimension.name}: {Access(wanted).label}."


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def values(request: HttpRequest, pk: int, rule: int) -> HttpResponse:
    """The values of a row-level dimension, searched and paged; POST grants or revokes the ticked ones, or all."""
    require(request.user, Right.MAINTAIN_SECURITY)
    found = get_object_or_404(DimensionRule.objects.select_related("group", "dimension"), pk=rule, group=pk)
    if found.access != Access.ROW_LEVEL:
        return redirect("dimension-groups:group", pk)
    asked = request.POST if request.method == "POST" else request.GET
    search, granted, page = asked.get("q", ""), asked.get("granted", ""), asked.get("page", "1")
    granted = granted if granted in dict(GRANTED) else ""
    number = max(int(page), 1) if page.isdecimal() and len(page) < 8 else 1
    if request.method == "POST":
        messages.success(request, _grant(request, found))
        address = reverse("dimension-groups:values", args=[pk, rule])
        kept = urlencode([("q", search), ("granted", granted), ("page", str(number))])
        return redirect(f"{address}?{kept}")
    listed = security_members.values_of(rule=found, search=search, granted=granted, page=number)
    first = (number - 1) * security_members.PER_PAGE
    context = {
        "rule": found,
        "listed": listed,
        "search": search,
        "granted": granted,
        "choices": GRANTED,
        "number": number,
        "first": first + 1,
        "last": first + len(listed.values),
        "has_next": first + len(listed.values) < listed.found,
        "granted_count": found.grants.count(),
    }
    return render(request, "cubes/security/values.html", context)


def _grant(request: HttpRequest, rule: DimensionRule) -> str:
    actor, action, keys = request.user, request.POST.get("action", ""), request.POST.getlist("key")
    name = rule.dimension.name
    if action in ("all-edit", "all-read"):
        count = securing.grant_all(actor=actor, rule=rule, edit=action == "all-edit")
        return f"All {count:,} values of {name} that exist now are granted. Later ones are not."
    if action == "revoke-all":
        return f"{securing.revoke_all(actor=actor, rule=rule):,} values of {name} are revoked."
    if not keys:
        return "No value was selected, and nothing changed."
    if action in ("edit", "read"):
        count = securing.grant(actor=actor, rule=rule, keys=keys, edit=action == "edit")
        return f"{count:,} values of {name} are granted to {action}."
    return f"{securing.revoke(actor=actor, rule=rule, keys=keys):,} values of {name} are revoked."


@require_safe
@login_required
def of_cube(request: HttpRequest, slug: str) -> HttpResponse:
    """Which dimensions of a cube are secured, and what each group sees of them."""
    cube = open_cube(request, slug, Right.MAINTAIN_SECURITY)
    context = cube_context(cube, "security", request.user) | {"rows": cube_security(cube=cube)}
    return render(request, "cubes/security/cube.html", context)
