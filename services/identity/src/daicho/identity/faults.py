"""What can go wrong with tenants, users and sessions, beyond what every service shares."""

from __future__ import annotations

from collections.abc import Mapping

from daicho.faults import Conflict, Forbidden, Messages, TooManyRequests, Unauthenticated
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
    """Too many wrong passwords for this address."""

    code = "sign_in_locked"
    messages = Messages(
        ja="サインインに続けて失敗したため、{retry_after} 秒間お待ちください。",
        en="Too many failed sign-ins. Please wait {retry_after} seconds.",
    )


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
        ja="このリンクは使用済みか、期限が切れています。もう一度リンクを送ってもらってください。",
        en="This link was used already or has expired. Ask for a new one.",
    )


class LastOwner(Conflict):
    """Somebody must be able to put things right."""

    code = "last_owner"
    messages = Messages(
        ja="最後のオーナーの役割変更や無効化はできません。先にほかの人をオーナーにしてください。",
        en="The last owner cannot be demoted or disabled. Make somebody else an owner first.",
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
