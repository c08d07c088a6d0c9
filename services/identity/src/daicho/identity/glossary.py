"""What the names in identity's REST shapes mean, with values such as they have."""

from __future__ import annotations

from typing import Final

from daicho.web import Glossary, Term

_USER: Final = "019abf4e-8e10-7c35-8f61-92f3c4e5a704"
_TEAM: Final = "019abf4e-90aa-7d18-a4c2-6b1f0d3e8c15"
_LINK: Final = "AZq_TgXk3Vt0o2hQ9mC1yA"

GLOSSARY: Final[Glossary] = {
    # companies and signing in
    "code": Term("The company's public handle, which its people type when they sign in.", "midori"),
    "company_name": Term("The company's name as it writes it.", "株式会社みどり商事"),
    "admin": Term("Who signs the company up and becomes its owner."),
    "tenant": Term("The company's code.", "midori"),
    "Me.tenant": Term("The caller's company."),
    "email": Term("An e-mail address; found in any spelling of its case.", "hanako@midori.example.jp"),
    "email_confirmed": Term("Whether somebody has opened the link that was mailed at sign-up."),
    "display_name": Term("How the user wants to be called.", "山田 花子"),
    "password": Term(
        "Ten characters or more, and hard to guess: no names, common words, keys in a row or dates by themselves.",
        "correct horse battery",
    ),
    "language": Term("The language of the user's console and mail."),
    "token": Term("What stands behind # in the link that was mailed; good once.", _LINK),
    "cookies": Term(
        "Ask for the tokens as HttpOnly cookies instead of in the body; for the console's own page."
    ),
    "access_token": Term(
        "What a request carries as Authorization: Bearer; null in a cookie session.", "eyJhbGciOiJFUzI1NiJ9…"
    ),
    "refresh_token": Term(
        "What POST /v1/sessions/refresh takes, once; null in a cookie session.", "AZq_TgYr2s…"
    ),
    "token_type": Term("How the access token is sent.", "Bearer"),
    "expires_in": Term("Seconds for which the access token is good.", 600),
    # sessions
    "session_id": Term("A session, from GET /v1/sessions.", "019abf4e-7f00-7b21-8d13-51e2a0c4b603"),
    "last_used_at": Term("When its tokens were last renewed.", "2026-11-25T04:56:07.890123Z"),
    "address": Term("The network address from which it was opened.", "203.0.113.17"),
    "current": Term("Whether it is the session that asks."),
    # users, roles, teams
    "user": Term("The caller."),
    "user_id": Term("A user, from GET /v1/users.", _USER),
    "role": Term("owner, admin, manager, member or read_only.", "member"),
    "team_id": Term("The user's team, from GET /v1/teams; null for none.", _TEAM),
    "disabled": Term("Whether they are kept out; their sessions end at once."),
    "successor_id": Term("Who gets the records of a user who is disabled.", _USER),
    "name": Term("A role: owner, admin, manager, member or read_only.", "member"),
    "TeamView.name": Term("The team's name.", "営業一課"),
    "TeamInput.name": Term("The team's name.", "営業一課"),
    "members": Term("How many users are in it.", 4),
    "permissions": Term("Action → on whose records: none, own, team or all.", {"contacts:read": "own"}),
    "editable": Term("Whether the caller may change it; the owner's role stays as it is."),
    "action": Term("What is to be done: resource:verb.", "contacts:read"),
    "scope": Term("On whose records.", "all"),
    "source": Term("What decided: the built-in role, what the company changed in it, or nothing.", "role"),
    # invitations
    "invitations": Term("Whom to ask in: all of them, or nobody when one entry is wrong."),
    "invitation_id": Term("An invitation, from GET /v1/invitations.", "019abf4e-a1b2-7e44-9c05-d7f8e6a91b26"),
    "status": Term("open, accepted or withdrawn.", "open"),
    "invited_by": Term("Who asked the person in, from GET /v1/users.", _USER),
    "valid": Term(
        "Whether its link works now: it is open, has not expired, and whoever invited may still give that role."
    ),
    "expires_at": Term("Until when its link works.", "2026-12-02T01:23:45.678901Z"),
    # what is not worth all its members
    "InvitationInput": Term("", {"email": "ichiro@midori.example.jp", "role": "member"}),
    "UserPatch": Term("", {"role": "manager", "team_id": _TEAM}),
    "RolePatch": Term("", {"permissions": {"contacts:read": "own"}}),
}
