#!/bin/sh
# Makes sure that this machine has a WebGPU adapter: a Vulkan driver with its loader on Linux; macOS and Windows bring their own.
# A machine that has one is left alone. Where apt-get and the rights are there, Mesa's software adapter is installed.
# Exit codes: 0 there is an adapter, 4 there is none and this script cannot install one.
set -u

case "$(uname -s)" in
Darwin) echo "adapter: Metal is part of macOS, nothing to install"; exit 0 ;;
Linux) ;;
MINGW* | MSYS* | CYGWIN*) echo "adapter: DX12 is part of Windows, nothing to install"; exit 0 ;;
*) echo "adapter: install a Vulkan driver and its loader (libvulkan) for $(uname -s)" >&2; exit 4 ;;
esac

# loader: the Vulkan loader, where the dynamic linker or the usual folders know it.
loader() {
	for l in "$(command -v ldconfig || true)" /sbin/ldconfig /usr/sbin/ldconfig; do
		if [ -n "$l" ] && [ -x "$l" ]; then
			"$l" -p 2>/dev/null | grep -q 'libvulkan\.so\.1' && return 0
			break
		fi
	done
	for f in /usr/lib*/libvulkan.so.1 /usr/lib/*/libvulkan.so.1 /usr/local/lib*/libvulkan.so.1 /run/opengl-driver/lib/libvulkan.so.1; do
		[ -e "$f" ] && return 0
	done
	return 1
}

# device: a GPU that a hardware driver could drive.
device() {
	for f in /dev/dri/renderD* /dev/nvidia[0-9]* /dev/dxg /dev/kfd; do
		[ -e "$f" ] && return 0
	done
	return 1
}

# driver: a Vulkan driver manifest that can give an adapter here: a software one, any other beside a device, or one that the
# loader's own variables name. Mesa's hardware manifests alone, as in a container without a GPU, give none.
driver() {
	[ -n "${VK_ICD_FILENAMES:-}${VK_DRIVER_FILES:-}" ] && return 0
	for d in /usr/share/vulkan/icd.d /etc/vulkan/icd.d /usr/local/share/vulkan/icd.d /usr/local/etc/vulkan/icd.d \
		"${XDG_DATA_HOME:-${HOME:-/nonexistent}/.local/share}/vulkan/icd.d" /run/opengl-driver/share/vulkan/icd.d; do
		for f in "$d"/*.json; do
			[ -e "$f" ] || continue
			case "$f" in
			*/lvp_icd* | */vk_swiftshader*) return 0 ;;
			esac
			device && return 0
		done
	done
	return 1
}

if loader && driver; then
	echo "adapter: a Vulkan driver is installed, nothing to do"
	exit 0
fi

as_root=
if [ "$(id -u)" != 0 ]; then
	as_root=sudo
	if ! command -v sudo >/dev/null 2>&1 || ! sudo -n true 2>/dev/null; then
		as_root=none
	fi
fi
if command -v apt-get >/dev/null 2>&1 && [ "$as_root" != none ]; then
	echo "adapter: no Vulkan driver found; installing Mesa's software adapter (mesa-vulkan-drivers, libvulkan1) with apt-get"
	$as_root apt-get update -q || echo "adapter: apt-get update failed, trying with the lists there are" >&2
	if $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends mesa-vulkan-drivers libvulkan1 && loader && driver; then
		echo "adapter: installed"
		exit 0
	fi
	echo "adapter: the installation failed" >&2
	exit 4
fi

cat >&2 <<'HELP'
adapter: no Vulkan driver found, and this script may not install one here. Install your GPU's Vulkan driver, or Mesa's software adapter:
  Debian, Ubuntu   apt-get install mesa-vulkan-drivers libvulkan1
  Fedora           dnf install mesa-vulkan-drivers vulkan-loader
  Arch             pacman -S vulkan-swrast vulkan-icd-loader
HELP
exit 4
