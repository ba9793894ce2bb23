"""Mail put together: the mailer that the settings name, and the effects that send with it."""

from __future__ import annotations

from commands.account.address_codes import AddressCodes
from commands.account.erasure_links import ErasureLinks
from commands.account.reset_links import ResetLinks
from gateways.mail.by_double import DoubleMailer
from gateways.mail.smtp import SmtpMailer, SmtpServer
from gateways.ports.mail import Mailer
from processors.account.mail import AddressCodeMail, ErasureLinkMail, PasswordResetMail
from processors.account.notices import SecurityNoticeMail
from processors.effects.effect import Effect
from runtime.composition import Core
from runtime.doubles import client_of, kept_mails
from runtime.mode import mode
from runtime.settings import Settings
from runtime.state import RunState

SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def mailer(settings: Settings) -> Mailer:
    """The SMTP server of the settings, or the mail double."""
    if mode(settings)["mail"] == "test":
        double = client_of(settings, "mail")
        return DoubleMailer(double, settings.mail_from, kept_mails(settings).forget)
    host, _, port = settings.mail_server.rpartition(":")
    if not host or not port.isdigit():
        host, port = settings.mail_server, str(SMTP_PORTS[settings.mail_security])
    server = SmtpServer(
        host=host.strip("[]"),
        port=int(port),
        security=settings.mail_security,
        username=settings.mail_username,
        password=settings.mail_password.get_secret_value(),
    )
    return SmtpMailer(server, settings.mail_from)


def forget_mails(settings: Settings, address: str) -> None:
    """Deletes what is kept of mails to this address, also of a time before a server was named."""
    mailer(settings).forget(address)
    if mode(settings)["mail"] == "live":
        kept_mails(settings).forget(address)


def mail_effects(core: Core) -> tuple[Effect, ...]:
    settings = core.settings

    def web_url() -> str:
        """Where the pages are now: the port may have been chosen at the start."""
        state = None if settings.public_url else RunState.read(settings.run_dir)
        return state.web if state else settings.web_url

    codes, send = address_codes(core), mailer(settings)
    return (
        PasswordResetMail(ResetLinks(core.commands, core.pool), send, web_url),
        AddressCodeMail(codes, send, web_url),
        ErasureLinkMail(ErasureLinks(core.commands), send, web_url),
        SecurityNoticeMail(core.commands, codes, send, web_url),
    )


def address_codes(core: Core) -> AddressCodes:
    settings = core.settings
    return AddressCodes(
        core.commands, settings.secrets.installation_key, test_mode=settings.test_mode
    )
