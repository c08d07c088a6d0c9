"""What can go wrong with tenants, users and sessions, beyond what every service shares."""

from __future__ import annotations

from collections.abc import Mapping

from daicho.faults import Conflict, Forbidden, Language, Messages, TooManyRequests, Unauthenticated
from daicho.identity.policy import FIELD_MESSAGES_JA_EN

FIELD_MESSAGES: Mapping[str, Messages] = {
    code: Messages(ja=ja, en=en) for code, (ja, en) in FIELD_MESSAGES_JA_EN.items()
}


class CodeTaken(Conflict):
    """Another tenant has this code."""

    code = "code_taken"
    messages = Messages(
        ja="この会社コードはすでに使われています。別のコードを指定してください。",
        en="This code is taken. Choose another.",
    )


class WrongCredentials(Unauthenticated):
    """The same for an unknown company, an unknown address and a wrong password."""

    code = "wrong_credentials"
    messages = Messages(
        ja="会社コード、メールアドレス、パスワードのいずれかが正しくありません。",
        en="The company code, the e-mail address or the password is wrong.",
    )


class SignInLocked(TooManyRequests):
    """Too many wrong passwords for this address; who waits may be another than who failed."""

    code = "sign_in_locked"
    messages = Messages(
        ja="サインインの失敗が続いたため、しばらく受け付けられません（あと {minutes} 分）。",
        en="After several failed sign-ins none is accepted for a while ({minutes} min left).",
    )

    def say(self, language: Language) -> str:
        """In minutes, begun ones counted: it may be an hour."""
        minutes = -(-int(self.params["retry_after"]) // 60)
        return self.messages.say(language, {**self.params, "minutes": minutes})


class EmailUnconfirmed(Forbidden):
    """The tenant's grace is over and its address is not confirmed."""

    code = "email_unconfirmed"
    messages = Messages(
        ja="メールアドレスが確認されていません。お送りしたメールのリンクを開いてください。",
        en="The e-mail address is not confirmed. Please open the link in the mail that we sent.",
    )


class LinkSpent(Conflict):
    """The link was used, has expired, or never was."""

    code = "link_invalid"
    messages = Messages(
        ja="このリンクは使用済みか、期限が切れています。もう一度お手続きいただくか、招待した方に再送を依頼してください。",
        en="This link was used already or has expired. Start again, or ask whoever invited you for a new one.",
    )


class LastOwner(Conflict):
    """Somebody must be able to put things right."""

    code = "last_owner"
    messages = Messages(
        ja="最後のオーナーの役割変更や無効化はできません。先にほかの人をオーナーにしてください。",
        en="The last owner cannot be demoted or disabled. Make somebody else an owner first.",
    )


class OwnRole(Forbidden):
    """Nobody changes what their own role may do."""

    code = "own_role"
    messages = Messages(
        ja="自分の役割の権限は変更できません。オーナーに依頼してください。",
        en="You cannot change what your own role may do. Ask an owner.",
    )


class RefreshReused(Unauthenticated):
    """A refresh token came a second time: somebody has a copy, so the session ended."""

    code = "refresh_reused"
    messages = Messages(
        ja="安全のためサインアウトしました。もう一度サインインしてください。",
        en="You were signed out for safety. Please sign in again.",
    )


class TeamInUse(Conflict):
    """A team with members cannot be deleted."""

    code = "team_in_use"
    messages = Messages(
        ja="メンバーのいるチームは削除できません。先にメンバーを移してください。",
        en="A team with members cannot be deleted. Move its members first.",
    )
