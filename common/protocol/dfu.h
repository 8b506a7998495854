// SPDX-License-Identifier: MIT
// Numbers of USB DFU 1.1 and of ST's DfuSe extension ("DFU 1.1a").
#pragma once

// Class requests (DFU 1.1 table 3.2).
enum dfu_request {
  DFU_DETACH = 0,
  DFU_DNLOAD = 1,
  DFU_UPLOAD = 2,
  DFU_GETSTATUS = 3,
  DFU_CLRSTATUS = 4,
  DFU_GETSTATE = 5,
  DFU_ABORT = 6,
  DFU_REQUESTS = 7,
};

// bState (DFU 1.1 6.1.2).
enum dfu_state {
  DFU_APP_IDLE = 0,
  DFU_APP_DETACH = 1,
  DFU_IDLE = 2,
  DFU_DNLOAD_SYNC = 3,
  DFU_DNBUSY = 4,
  DFU_DNLOAD_IDLE = 5,
  DFU_MANIFEST_SYNC = 6,
  DFU_MANIFEST = 7,
  DFU_MANIFEST_WAIT_RESET = 8,
  DFU_UPLOAD_IDLE = 9,
  DFU_ERROR = 10,
  DFU_STATES = 11,
};

// bStatus (DFU 1.1 6.1.2).
enum dfu_status {
  DFU_STATUS_OK = 0,
  DFU_STATUS_errTARGET = 1,
  DFU_STATUS_errFILE = 2,
  DFU_STATUS_errWRITE = 3,
  DFU_STATUS_errERASE = 4,
  DFU_STATUS_errCHECK_ERASED = 5,
  DFU_STATUS_errPROG = 6,
  DFU_STATUS_errVERIFY = 7,
  DFU_STATUS_errADDRESS = 8,
  DFU_STATUS_errNOTDONE = 9,
  DFU_STATUS_errFIRMWARE = 10,
  DFU_STATUS_errVENDOR = 11,
  DFU_STATUS_errUSBR = 12,
  DFU_STATUS_errPOR = 13,
  DFU_STATUS_errUNKNOWN = 14,
  DFU_STATUS_errSTALLEDPKT = 15,
};

// DfuSe commands: first byte of a DNLOAD with wValue 0 (AN2662, "DFU DNLOAD").
enum dfuse_command {
  DFUSE_GET_COMMANDS = 0x00,
  DFUSE_SET_ADDRESS = 0x21,
  DFUSE_ERASE = 0x41,
  DFUSE_READ_UNPROTECT = 0x92,
};

enum {
  DFU_STATUS_SIZE = 6,
  DFU_FUNCTIONAL = 0x21,  // descriptor type (DFU 1.1 4.1.3)
  DFU_FUNCTIONAL_SIZE = 9,
  DFU_CLASS = 0xFE,  // application specific
  DFU_SUBCLASS = 0x01,
  DFU_PROTOCOL_DFU_MODE = 0x02,
  DFUSE_VERSION = 0x011A,  // bcdDFUVersion
  DFU_CAN_DNLOAD = 0x01,   // bmAttributes
  DFU_CAN_UPLOAD = 0x02,
  DFU_WILL_DETACH = 0x08,
  DFUSE_FIRST_DATA_BLOCK = 2,  // wValue of data; 0 is a command, 1 is reserved
};
