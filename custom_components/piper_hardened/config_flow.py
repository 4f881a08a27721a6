"""Adding a server: the app on this machine, or one somewhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import voluptuous as vol
from homeassistant.config_entries import ConfigEntry, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_HOST, CONF_PORT, CONF_TOKEN
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from .address import READ_ONLY, Address, async_try, reason_of
from .client import API_VERSION, Client, ClientError, Info, UnsupportedApiError
from .const import APP_PORT, CONF_SLUG, DOMAIN
from .supervisor import App, Paired, PairingError, async_apps, async_pair, async_start_app

if TYPE_CHECKING:
    from homeassistant.helpers.service_info.hassio import HassioServiceInfo
    from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

_PORT = vol.All(
    NumberSelector(NumberSelectorConfig(min=1, max=65535, mode=NumberSelectorMode.BOX)),
    vol.Coerce(int),
)
_TOKEN = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))


class PiperHardenedConfigFlow(ConfigFlow, domain=DOMAIN):
    """Adds servers, and repairs the way to them."""

    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        self._apps: dict[str, App] = {}
        self._slug = ""
        self._found: Address | None = None
        self._info: Info | None = None
        self._read_only: Address | None = None

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the kind of server, if there is a choice."""
        if await self._load_apps():
            return self.async_show_menu(step_id="user", menu_options=["app", "server"])
        return await self.async_step_server()

    # --- the app on this machine -------------------------------------------------------------

    async def async_step_app(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Pair the app; ask which one if there are several."""
        if user_input is not None:
            return await self._use_app(user_input[CONF_SLUG])
        if len(self._apps) == 1:
            return await self._use_app(next(iter(self._apps)))
        options = [
            SelectOptionDict(value=app.slug, label=f"{app.name} ({app.slug})")
            for app in self._apps.values()
        ]
        selector = SelectSelector(SelectSelectorConfig(options=options))
        return self.async_show_form(
            step_id="app", data_schema=vol.Schema({vol.Required(CONF_SLUG): selector})
        )

    async def _use_app(self, slug: str) -> ConfigFlowResult:
        self._slug = slug
        app = self._apps.get(slug)
        if app is not None and not app.started:
            return await self.async_step_start_app()
        return await self._pair_and_create()

    async def async_step_start_app(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Start the app that is not running."""
        if user_input is None:
            return self.async_show_form(step_id="start_app")
        try:
            await async_start_app(self.hass, self._slug)
        except PairingError:
            return self.async_abort(reason="cannot_start")
        return await self._pair_and_create(just_started=True)

    async def _pair_and_create(self, *, just_started: bool = False) -> ConfigFlowResult:
        try:
            paired = await async_pair(self.hass, self._slug, just_started=just_started)
        except PairingError:
            return self.async_abort(reason="cannot_pair")
        except UnsupportedApiError as err:
            return self.async_abort(reason=reason_of(err, app=True))
        data = _data_of(paired)
        if (entry := self._same_server(paired.info, data)) is not None:
            return self._update(entry, paired.info, data)
        if paired.info.server_id:
            await self.async_set_unique_id(paired.info.server_id, raise_on_progress=False)
            self._abort_if_unique_id_configured(updates=data)
        return self.async_create_entry(title=paired.info.name, data=data)

    async def async_step_hassio(self, discovery_info: HassioServiceInfo) -> ConfigFlowResult:
        """Take what the app tells once it is paired: its address may have changed."""
        config = discovery_info.config
        host, port = config.get("host"), config.get("web_port")
        if not isinstance(host, str) or not isinstance(port, int):
            return self.async_abort(reason="update_app")
        if config.get("api") != API_VERSION:
            return self.async_abort(reason="update_app")
        try:
            info = await self._client(Address(host, port)).info()
        except ClientError as err:
            return self.async_abort(reason=reason_of(err, app=True))
        self._slug = discovery_info.slug
        updates = {CONF_HOST: host, CONF_PORT: port, CONF_SLUG: self._slug}
        if info.server_id:
            await self.async_set_unique_id(info.server_id)
            self._abort_if_unique_id_configured(updates=updates)
        if (entry := self._same_server(info, updates)) is not None:
            return self._update(entry, info, {**entry.data, **updates})
        self.context["title_placeholders"] = {"name": info.name}
        return await self.async_step_hassio_confirm()

    async def async_step_hassio_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Pair the app."""
        if user_input is None:
            self._set_confirm_only()
            return self.async_show_form(step_id="hassio_confirm")
        return await self._pair_and_create()

    # --- a server somewhere else -------------------------------------------------------------

    async def async_step_zeroconf(self, discovery_info: ZeroconfServiceInfo) -> ConfigFlowResult:
        """Take a server of the local network."""
        properties = discovery_info.properties
        port = discovery_info.port
        address = Address(discovery_info.host, port or APP_PORT)
        if properties.get("api") != str(API_VERSION):
            return self.async_abort(reason="unsupported_api")
        if server_id := properties.get("server_id"):
            await self.async_set_unique_id(server_id)
            self._abort_if_unique_id_configured(
                updates={CONF_HOST: address.host, CONF_PORT: address.port}
            )
        self._async_abort_entries_match({CONF_HOST: address.host, CONF_PORT: address.port})
        try:
            info = await self._client(address).info()
        except ClientError as err:
            return self.async_abort(reason=reason_of(err))
        if server_id and info.server_id != server_id:
            return self.async_abort(reason="not_piper_hardened")
        self._found = address
        self._info = info
        self.context["title_placeholders"] = {"name": info.name}
        return await self.async_step_zeroconf_confirm()

    async def async_step_zeroconf_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Confirm a server that was found, with its token if it needs one."""
        assert self._found is not None
        assert self._info is not None
        errors: dict[str, str] = {}
        if user_input is not None:
            token = (user_input.get(CONF_TOKEN) or "").strip() or None
            address = Address(self._found.host, self._found.port, token)
            info, errors = await self._try(address)
            if info is not None:
                return self.async_create_entry(title=info.name, data=address.data())
        fields = vol.Schema({vol.Optional(CONF_TOKEN): _TOKEN})
        return self.async_show_form(
            step_id="zeroconf_confirm",
            data_schema=self.add_suggested_values_to_schema(fields, user_input),
            errors=errors,
            description_placeholders={"name": self._info.name, "host": self._found.host},
        )

    async def async_step_server(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where a server is."""
        errors: dict[str, str] = {}
        if user_input is not None:
            address = Address.of(user_input)
            info, errors = await self._try(address)
            if info is not None:
                if info.server_id:
                    await self.async_set_unique_id(info.server_id, raise_on_progress=False)
                    self._abort_if_unique_id_configured(updates=address.data())
                self._async_abort_entries_match({CONF_HOST: address.host, CONF_PORT: address.port})
                return self.async_create_entry(title=info.name, data=address.data())
        return self._show_address("server", user_input, errors)

    # --- the way to a server that is there ---------------------------------------------------

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Get a token that the server knows."""
        if slug := entry_data.get(CONF_SLUG):
            self._slug = slug
            return await self.async_step_reauth_app()
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_app(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Pair the app again."""
        if user_input is None:
            return self.async_show_form(step_id="reauth_app")
        try:
            paired = await async_pair(self.hass, self._slug)
        except PairingError:
            return self.async_abort(reason="cannot_pair")
        except UnsupportedApiError as err:
            return self.async_abort(reason=reason_of(err, app=True))
        return self.async_update_reload_and_abort(
            self._get_reauth_entry(), data_updates=_data_of(paired)
        )

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the token."""
        entry = self._get_reauth_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            address = Address(
                entry.data[CONF_HOST], entry.data[CONF_PORT], user_input[CONF_TOKEN].strip()
            )
            info, errors = await self._try(address)
            if info is not None:
                if info.server_id and entry.unique_id:
                    await self.async_set_unique_id(info.server_id)
                    self._abort_if_unique_id_mismatch(reason="other_server")
                return self.async_update_reload_and_abort(
                    entry, data_updates={CONF_TOKEN: address.token}
                )
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=vol.Schema({vol.Required(CONF_TOKEN): _TOKEN}),
            errors=errors,
            description_placeholders={"name": entry.title},
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change where a server is."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            address = Address.of(user_input)
            info, errors = await self._try(address)
            if info is not None:
                if info.server_id and entry.unique_id:
                    await self.async_set_unique_id(info.server_id)
                    self._abort_if_unique_id_mismatch(reason="other_server")
                return self.async_update_reload_and_abort(entry, data_updates=address.data())
        return self._show_address("reconfigure", user_input or entry.data, errors)

    # ------------------------------------------------------------------------------------------

    async def _load_apps(self) -> dict[str, App]:
        self._apps = {app.slug: app for app in await async_apps(self.hass)}
        return self._apps

    def _show_address(
        self, step_id: str, values: Mapping[str, Any] | None, errors: dict[str, str]
    ) -> ConfigFlowResult:
        fields = vol.Schema(
            {
                vol.Required(CONF_HOST): cv.string,
                vol.Required(CONF_PORT): _PORT,
                vol.Optional(CONF_TOKEN): _TOKEN,
            }
        )
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(fields, values),
            errors=errors,
            description_placeholders={"port": str(APP_PORT)},
        )

    def _client(self, address: Address) -> Client:
        return address.client(self.hass)

    async def _try(self, address: Address) -> tuple[Info | None, dict[str, str]]:
        """Return who is there, or what is wrong by field.

        Who may only look goes on by sending the same once more.
        """
        info, errors = await async_try(self.hass, address)
        if errors == READ_ONLY:
            if self._read_only == address:
                return info, {}
            self._read_only = address
            return None, errors
        return info, errors

    def _same_server(self, info: Info, data: Mapping[str, Any]) -> ConfigEntry | None:
        """Return the entry of the same app, or of the same address, under another server id."""
        for entry in self._async_current_entries():
            if info.server_id and entry.unique_id == info.server_id:
                continue
            slug = entry.data.get(CONF_SLUG)
            same = (entry.data[CONF_HOST], entry.data[CONF_PORT]) == (
                data[CONF_HOST],
                data[CONF_PORT],
            )
            if slug == data[CONF_SLUG] or (slug is None and same):
                return entry
        return None

    def _update(self, entry: ConfigEntry, info: Info, data: Mapping[str, Any]) -> ConfigFlowResult:
        return self.async_update_reload_and_abort(
            entry, unique_id=info.server_id, data={**data}, reason="already_configured"
        )


def _data_of(paired: Paired) -> dict[str, Any]:
    return {
        CONF_HOST: paired.host,
        CONF_PORT: paired.port,
        CONF_TOKEN: paired.token,
        CONF_SLUG: paired.slug,
    }
