// SPDX-License-Identifier: MIT
// Names and formats of attributes and properties: Linux,
// drivers/usb/core/sysfs.c and usb_uevent(), and udev's usb_id built-in.
#include "host/attach/testbed.h"

#include "common/base/bytes.h"
#include "usbip/usbip.h"

enum {
  USB_MAJOR = 189,  // character devices of usbfs (Linux, devices.txt)
  MINORS_PER_BUS = 128,
  HUB_DEVNUM = 1,
};

// Name and value pairs, closed with NULL when they are used.
struct pairs {
  GPtrArray *items;
};

static struct pairs pairs_new(void) {
  return (struct pairs){.items = g_ptr_array_new_with_free_func(g_free)};
}

static G_GNUC_PRINTF(3, 4) void add(struct pairs p, const char *name,
                                    const char *format, ...) {
  va_list args;
  va_start(args, format);
  g_ptr_array_add(p.items, g_strdup(name));
  g_ptr_array_add(p.items, g_strdup_vprintf(format, args));
  va_end(args);
}

// Adds the device and frees both lists. NULL when umockdev refuses.
static char *add_device(struct testbed *t, const char *subsystem, const char *name,
                        const char *parent, struct pairs attributes,
                        struct pairs properties) {
  g_ptr_array_add(attributes.items, NULL);
  g_ptr_array_add(properties.items, NULL);
  char *path = umockdev_testbed_add_devicev(t->umockdev, subsystem, name, parent,
                                            (char **)attributes.items->pdata,
                                            (char **)properties.items->pdata);
  g_ptr_array_free(attributes.items, TRUE);
  g_ptr_array_free(properties.items, TRUE);
  return path;
}

// Programs walk up from a device to something that is no USB device.
static char *add_controller(struct testbed *t) {
  struct pairs attributes = pairs_new();
  struct pairs properties = pairs_new();
  add(attributes, "vendor", "0x8086\n");
  add(attributes, "device", "0x1e31\n");
  add(properties, "SUBSYSTEM", "pci");
  return add_device(t, "pci", "pci0000:00/0000:00:14.0", NULL, attributes, properties);
}

// What every USB device has, the hub included.
static void add_numbers(struct pairs attributes, struct pairs properties,
                        unsigned devnum) {
  const unsigned minor = (TESTBED_BUS - 1) * MINORS_PER_BUS + devnum - 1;
  add(attributes, "busnum", "%u\n", TESTBED_BUS);
  add(attributes, "devnum", "%u\n", devnum);
  add(attributes, "dev", "%u:%u\n", USB_MAJOR, minor);
  add(properties, "SUBSYSTEM", "usb");
  add(properties, "DEVTYPE", "usb_device");
  add(properties, "DRIVER", "usb");
  add(properties, "DEVNAME", "/dev/bus/usb/%03u/%03u", TESTBED_BUS, devnum);
  add(properties, "MAJOR", "%u", USB_MAJOR);
  add(properties, "MINOR", "%u", minor);
  add(properties, "BUSNUM", "%03u", TESTBED_BUS);
  add(properties, "DEVNUM", "%03u", devnum);
}

// What the device descriptor (USB 2.0 9.6.1) says.
static void add_device_descriptor(struct pairs attributes, struct pairs properties,
                                  const uint8_t *d) {
  const unsigned vendor = load_le16(d + 8);
  const unsigned product = load_le16(d + 10);
  const unsigned release = load_le16(d + 12);
  add(attributes, "version", "%2x.%02x\n", d[3], d[2]);
  add(attributes, "idVendor", "%04x\n", vendor);
  add(attributes, "idProduct", "%04x\n", product);
  add(attributes, "bcdDevice", "%04x\n", release);
  add(attributes, "bDeviceClass", "%02x\n", d[4]);
  add(attributes, "bDeviceSubClass", "%02x\n", d[5]);
  add(attributes, "bDeviceProtocol", "%02x\n", d[6]);
  add(attributes, "bMaxPacketSize0", "%u\n", d[7]);
  add(attributes, "bNumConfigurations", "%u\n", d[17]);
  add(properties, "PRODUCT", "%x/%x/%x", vendor, product, release);
  add(properties, "TYPE", "%u/%u/%u", d[4], d[5], d[6]);
  add(properties, "ID_BUS", "usb");
  add(properties, "ID_VENDOR_ID", "%04x", vendor);
  add(properties, "ID_MODEL_ID", "%04x", product);
  add(properties, "ID_REVISION", "%04x", release);
}

// Without a root hub libusb takes the device for one.
static char *add_hub(struct testbed *t, const char *parent) {
  static const uint8_t descriptors[] = {
      18, 1, 0,    2, 9, 0, 0,  64,   0x6b, 0x1d, 2, 0, 1, 6, 0, 0, 0, 1,  // device
      9,  2, 25,   0, 1, 1, 0,  0xe0, 0,  // configuration
      9,  4, 0,    0, 1, 9, 0,  0,    0,  // interface
      7,  5, 0x81, 3, 4, 0, 12,           // endpoint
  };
  struct pairs attributes = pairs_new();
  struct pairs properties = pairs_new();
  add_numbers(attributes, properties, HUB_DEVNUM);
  add_device_descriptor(attributes, properties, descriptors);
  add(attributes, "speed", "480\n");
  add(attributes, "bConfigurationValue", "1\n");
  char *path = add_device(t, "usb", "usb1", parent, attributes, properties);
  if (path) {
    umockdev_testbed_set_attribute_binary(t->umockdev, path, "descriptors",
                                          (guint8 *)descriptors, sizeof descriptors);
  }
  return path;
}

bool testbed_open(struct testbed *t) {
  *t = (struct testbed){.next_devnum = TESTBED_FIRST_DEVNUM};
  t->umockdev = umockdev_testbed_new();
  if (!umockdev_in_mock_environment()) {
    testbed_close(t);
    return false;
  }
  t->root = umockdev_testbed_get_root_dir(t->umockdev);
  t->interfaces = g_ptr_array_new_with_free_func(g_free);
  char *controller = add_controller(t);
  t->hub = add_hub(t, controller);
  g_free(controller);
  return t->hub != NULL;
}

void testbed_close(struct testbed *t) {
  if (t->interfaces) g_ptr_array_free(t->interfaces, TRUE);
  if (t->umockdev) g_object_unref(t->umockdev);
  g_free(t->root);
  g_free(t->hub);
  g_free(t->device);
  *t = (struct testbed){0};
}

unsigned testbed_next_devnum(const struct testbed *t) {
  return t->next_devnum;
}

char *testbed_next_node(const struct testbed *t) {
  return g_strdup_printf("/dev/bus/usb/%03u/%03u", TESTBED_BUS, t->next_devnum);
}

// udev writes '_' where a text has a space (util_replace_chars).
static void add_model(struct pairs properties, const char *name, const char *text) {
  char *underscored = g_strdelimit(g_strdup(text), " ", '_');
  add(properties, name, "%s", underscored);
  g_free(underscored);
}

static void add_strings(struct pairs attributes, struct pairs properties,
                        const struct enumeration *e) {
  if (e->manufacturer[0]) add(attributes, "manufacturer", "%s\n", e->manufacturer);
  if (e->product[0]) add(attributes, "product", "%s\n", e->product);
  if (e->serial[0]) add(attributes, "serial", "%s\n", e->serial);
  add_model(properties, "ID_VENDOR", e->manufacturer);
  add_model(properties, "ID_MODEL", e->product);
  add_model(properties, "ID_SERIAL_SHORT", e->serial);
}

static const char *speed_text(uint32_t speed) {
  switch (speed) {
    case USBIP_SPEED_LOW: return "1.5\n";
    case USBIP_SPEED_HIGH: return "480\n";
    default: return "12\n";
  }
}

static void add_configuration(struct pairs attributes, const uint8_t *config) {
  add(attributes, "bNumInterfaces", "%2u\n", config[4]);
  add(attributes, "bConfigurationValue", "%u\n", config[5]);
  add(attributes, "bmAttributes", "%02x\n", config[7]);
  add(attributes, "bMaxPower", "%umA\n", config[8] * 2u);
  add(attributes, "configuration", "%s", "");
}

static void add_interface(struct testbed *t, const uint8_t *config,
                          const uint8_t *interface) {
  struct pairs attributes = pairs_new();
  struct pairs properties = pairs_new();
  add(attributes, "bInterfaceNumber", "%02x\n", interface[2]);
  add(attributes, "bAlternateSetting", "%2u\n", interface[3]);
  add(attributes, "bNumEndpoints", "%02x\n", interface[4]);
  add(attributes, "bInterfaceClass", "%02x\n", interface[5]);
  add(attributes, "bInterfaceSubClass", "%02x\n", interface[6]);
  add(attributes, "bInterfaceProtocol", "%02x\n", interface[7]);
  add(properties, "SUBSYSTEM", "usb");
  add(properties, "DEVTYPE", "usb_interface");
  add(properties, "INTERFACE", "%u/%u/%u", interface[5], interface[6], interface[7]);
  char *name = g_strdup_printf("%u-%u:%u.%u", TESTBED_BUS, TESTBED_PORT, config[5],
                               interface[2]);
  char *path = add_device(t, "usb", name, t->device, attributes, properties);
  if (path) g_ptr_array_add(t->interfaces, path);
  g_free(name);
}

// Programs read this file as soon as they hear of the device, so it has to be
// there before umockdev announces it.
static void write_descriptors(struct testbed *t, const char *path,
                              const struct enumeration *e) {
  char *directory = g_strconcat(t->root, path, NULL);
  g_mkdir_with_parents(directory, 0755);
  g_free(directory);
  umockdev_testbed_set_attribute_binary(t->umockdev, path, "descriptors",
                                        (guint8 *)e->descriptors, (gint)e->length);
}

bool testbed_plug(struct testbed *t, const struct enumeration *e, uint32_t speed) {
  struct pairs attributes = pairs_new();
  struct pairs properties = pairs_new();
  add_numbers(attributes, properties, t->next_devnum);
  add_device_descriptor(attributes, properties, e->descriptors);
  add_configuration(attributes, enumeration_config(e));
  add_strings(attributes, properties, e);
  add(attributes, "speed", "%s", speed_text(speed));
  add(attributes, "devpath", "%u\n", TESTBED_PORT);
  add(attributes, "removable", "unknown\n");
  char *name = g_strdup_printf("%u-%u", TESTBED_BUS, TESTBED_PORT);
  char *path = g_strconcat(t->hub, "/", name, NULL);
  write_descriptors(t, path, e);
  t->device = add_device(t, "usb", name, t->hub, attributes, properties);
  g_free(path);
  g_free(name);
  if (!t->device) return false;
  const uint8_t *interface = NULL;
  while ((interface = enumeration_next_interface(e, interface)) != NULL) {
    add_interface(t, enumeration_config(e), interface);
  }
  const bool last = t->next_devnum == TESTBED_LAST_DEVNUM;
  t->next_devnum = last ? TESTBED_FIRST_DEVNUM : t->next_devnum + 1;
  return true;
}

// umockdev announces what is added by itself, but not what is removed.
static void remove_device(struct testbed *t, const char *path) {
  umockdev_testbed_uevent(t->umockdev, path, "remove");
  umockdev_testbed_remove_device(t->umockdev, path);
}

// The children go first: umockdev removes whole directories.
void testbed_unplug(struct testbed *t) {
  if (!t->device) return;
  for (guint i = 0; i < t->interfaces->len; i++) {
    remove_device(t, g_ptr_array_index(t->interfaces, i));
  }
  g_ptr_array_set_size(t->interfaces, 0);
  remove_device(t, t->device);
  g_free(t->device);
  t->device = NULL;
}

void testbed_set_configuration(struct testbed *t, unsigned value) {
  if (!t->device) return;
  char *text = g_strdup_printf("%u\n", value);
  umockdev_testbed_set_attribute(t->umockdev, t->device, "bConfigurationValue", text);
  g_free(text);
}
